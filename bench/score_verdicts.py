"""Print power, false discoveries and delay of the verdicts on ages; see simulated/score.py."""

from __future__ import annotations

import sys

from simulated.score import main

if __name__ == "__main__":
    sys.exit(main())
