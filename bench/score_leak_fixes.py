"""Print recall and silence on a table of leak fixes: see README.md beside this file."""

from __future__ import annotations

import sys

from leak_fixes.command import main

if __name__ == "__main__":
    sys.exit(main())
