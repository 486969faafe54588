"""Print alarms on healthy code against their labels: see README.md beside this file."""

from __future__ import annotations

import sys

from healthy.command import main

if __name__ == "__main__":
    sys.exit(main())
