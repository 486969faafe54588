"""Asking a running process for its memory, through a socket of its own: no ptrace, no signals."""
