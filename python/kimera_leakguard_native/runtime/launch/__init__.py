"""Runs an unmodified program under the sampler: the supervisor, and what starts in the program."""
