"""`python -m batchware check module:app`, which is what the script `batchware` runs."""

from __future__ import annotations

import sys

from .check.command import main

if __name__ == "__main__":
    sys.exit(main())
