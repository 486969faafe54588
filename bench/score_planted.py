"""Print how right `klg run` and its peers are on planted programs; see README.md here."""

from __future__ import annotations

import sys

from planted.score import main

if __name__ == "__main__":
    sys.exit(main())
