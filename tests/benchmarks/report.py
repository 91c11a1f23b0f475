"""What a reader sees: a line about the machine, and tables, plain as they come or in Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "starlette",
    "fastapi",
    "litestar",
    "django",
    "flask",
    "werkzeug",
    "uvicorn",
    "granian",
    "gunicorn",
    "msgspec",
)

TEXT = {
    "application": 24, "body": 24, "handler": 18, "limiter": 14, "module": 14, "request": 25, "server": 17, "what": 19,
    "who": 22,
}  # fmt: skip
"""The columns that hold words, and how wide they are: rows are shown before the next is measured."""
NARROWEST = 6


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def machine() -> str:
    """One line that says where the figures come from."""
    load = f"load {os.getloadavg()[0]:.1f}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {_version('batchware')}, {platform.system()}, {os.cpu_count()} x {_processor()}, {load}"


def versions() -> str:
    """Another about what was measured."""
    return ", ".join(map(_version, PACKAGES))


def table(rows: Iterable[Sequence[str]], markdown: bool = False) -> list[list[str]]:
    """Prints rows as they come, and returns them. The first is the head; text stands left, figures right."""
    head: Sequence[str] = ()
    shown: list[list[str]] = []
    for row in rows:
        shown.append(list(row))
        head = head or row
        if markdown:
            print("| " + " | ".join(row) + " |", flush=True)
            if len(shown) == 1:
                print("|" + "".join(" --- |" if name in TEXT else " ---: |" for name in head), flush=True)
        else:
            print("  ".join(map(_padded, row, head)).rstrip(), flush=True)
    return shown


def _padded(cell: str, name: str) -> str:
    return cell.ljust(TEXT[name]) if name in TEXT else cell.rjust(max(len(name), NARROWEST))
