"""Exit codes of every verb."""

CLEAN = 0
FINDINGS = 1
ERROR = 2
"""Usage, configuration or internal error, or only unreadable input."""
