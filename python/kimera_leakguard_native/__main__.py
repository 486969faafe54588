"""`python -m kimera_leakguard_native` is `klg`."""

import sys

from kimera_leakguard_native.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
