"""Show every difference between plain Python and `klg run`: see README.md beside this file."""

from __future__ import annotations

import sys

from planted.parity import main

if __name__ == "__main__":
    sys.exit(main())
