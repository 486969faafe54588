"""Directed symbolic execution: whether the guards along a leaking path can hold together."""
