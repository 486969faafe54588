"""Print how well memory exhaustion is foreseen; see forecast/score.py."""

from __future__ import annotations

import sys

from forecast.score import main

if __name__ == "__main__":
    sys.exit(main())
