"""`python -m tests.benchmarks [--quick] [NAME ...]`: runs the benchmarks that are named, or all, and prints tables.

A benchmark is a module of this package with `TITLE` and `rows(quick)`, which yields lists of cells; the first is the
head. To add one, name it in `BENCHMARKS`.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.metadata import version

BENCHMARKS = ("waiting", "overhead")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine() -> str:
    """One line that says where the figures come from."""
    load = f"load {os.getloadavg()[0]:.1f}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, batchware {version('batchware')}, {platform.system()}, {os.cpu_count()} x {_processor()}, {load}"


def table(rows: Iterable[Sequence[str]]) -> None:
    """Prints rows as they come, the first cell to the left and the others to the right."""
    widths: list[int] = []
    for row in rows:
        widths = widths or [max(len(cell), 28 if at == 0 else 10) for at, cell in enumerate(row)]
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip(), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds: a look, not a measurement")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    logging.disable()
    print(machine())
    for name in options.names or BENCHMARKS:
        benchmark = import_module(f"{__package__}.{name}")
        print(f"\n{benchmark.TITLE}\n")
        table(benchmark.rows(options.quick))
    return 0


if __name__ == "__main__":
    sys.exit(main())
