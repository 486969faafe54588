"""Programs with a known truth for `klg run`, and what compares its answers with that truth."""
