"""Slow, plain definitions that results are compared with."""
