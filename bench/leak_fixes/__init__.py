"""Recall on leaks that projects later fixed, beside other analyzers."""
