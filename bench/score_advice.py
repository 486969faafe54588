"""Print a sample of what only `--all` shows against its labels: see README.md beside this file."""

from __future__ import annotations

import sys

from healthy.advice import main

if __name__ == "__main__":
    sys.exit(main())
