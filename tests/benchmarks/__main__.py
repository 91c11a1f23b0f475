"""`python -m tests.benchmarks [--quick] [--in-process] [--http] [--peers] [NAME ...]`: measures, and prints tables.

A part is a module of this package with `TITLE` and `rows(quick)`, which yields lists of cells; the first is the head.
Without a name or a group all parts run but those of `BY_NAME`.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tests.benchmarks import rounds
from tests.benchmarks.report import machine, table, versions

GROUPS = {
    "in-process": ("ratios", "bodies", "growth", "passing", "waiting", "startup", "memory", "stages"),
    "http": ("over_http", "saturation"),
    "peers": ("peers",),
}
BY_NAME = ("limits", "instructions")
"""What takes more than this package, Redis or valgrind, and minutes."""

PARTS = (*(part for parts in GROUPS.values() for part in parts), *BY_NAME)

NOT_DRAWN = ("bare WSGI", "Django REST framework", "Pyramid, kinto.core")
"""Applications of the peers that would need a picture of their own: no framework, or one peer's alone."""


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(PARTS)}; without any, all but {' and '.join(BY_NAME)}"
    )
    for group, parts in GROUPS.items():
        parser.add_argument(f"--{group}", action="append_const", dest="groups", const=group, help=", ".join(parts))
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement: under a minute for all")
    parser.add_argument("--cpu", action="store_true", help="in process, time of the processor instead of the clock's")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables there too")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the peers there")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    named = [part for group in options.groups or () for part in GROUPS[group]] + options.names
    options.parts = list(dict.fromkeys(named)) or [part for part in PARTS if part not in BY_NAME]
    if options.svg and "peers" not in options.parts:
        parser.error("--svg draws the part peers")
    return options


def _draw(path: Path, rows: Sequence[Sequence[str]]) -> None:
    from tests.benchmarks.calls import SMALL
    from tests.benchmarks.peers import OURSELVES
    from tests.benchmarks.picture import svg

    path.write_text(svg(rows, SMALL.label, OURSELVES, machine(), NOT_DRAWN), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    logging.disable()
    if options.cpu:
        rounds.use_processor_time()
    print(machine(), versions(), sep="\n", flush=True)
    tables: dict[str, list[list[str]]] = {}
    failed: list[str] = []
    for name in options.parts:
        part = import_module(f"{__package__}.{name}")
        print(f"\n{part.TITLE}\n", flush=True)
        try:
            tables[name] = table(part.rows(options.quick), options.markdown)
        except Exception:  # noqa: BLE001  # the other parts are worth having
            traceback.print_exc()
            failed.append(name)
        if options.json:
            written = {"machine": machine(), "versions": versions(), "tables": tables}
            options.json.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if options.svg and name == "peers" and name in tables:
            _draw(options.svg, tables[name])
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
