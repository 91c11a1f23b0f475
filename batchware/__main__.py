"""`python -m batchware COMMAND`, which is what the script `batchware` runs; each command adds itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .check import command as check
from .send import command as send


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="batchware", description="Batch requests for ASGI and WSGI applications.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check.add(commands)
    send.add(commands)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
