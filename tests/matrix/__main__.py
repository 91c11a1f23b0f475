"""`python -m tests.matrix`: writes the table of what is run into the README, and prints it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.matrix.table import table, written

README = Path(__file__).parents[2] / "README.md"

if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
    sys.stdout.write(table() + "\n")
