"""The command line of `batchware check`, how it finds the application, and its exit status.

0: nothing looks wrong (notes, and without `--strict` warnings, may stand there). 1: errors, with `--strict` warnings
too. 2: the command itself is wrong, or the application can't be loaded.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from .chain import Layer
from .findings import findings
from .report import as_json, as_text
from .survey import Survey, survey

USAGE = 2


class _NotLoaded(Exception):
    """The application is not where the argument says, or fails as it is loaded."""


def add(commands: Any) -> None:
    """Adds the command to a parser."""
    check: argparse.ArgumentParser = commands.add_parser(
        "check", help="say what batches mean for an application, and what looks wrong"
    )
    check.add_argument("target", metavar="MODULE:APP", help="as servers take it; MODULE:APP() calls a factory")
    check.add_argument("--app-dir", default=".", help="where MODULE is looked for first (default: here)")
    check.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    check.add_argument("--ignore", action="append", default=[], metavar="NAME", help="leave out findings of this name")
    check.add_argument("--json", action="store_true", help="write JSON")
    check.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    try:
        app = load(options.target, options.app_dir)
        surveys, wrong = _read(app, options.target)
    except _NotLoaded as error:
        print(f"batchware check: {error}", file=sys.stderr)  # noqa: T201  # a command writes
        return USAGE
    found = [finding for finding in findings(surveys, wrong) if finding.name not in options.ignore]
    if options.json:
        print(json.dumps(as_json(options.target, surveys, found), indent=2))  # noqa: T201  # as above
    else:
        print(as_text(options.target, surveys, found))  # noqa: T201  # as above
    failing = {"error", "warning"} if options.strict else {"error"}
    return int(any(finding.level in failing for finding in found))


def _read(app: Any, target: str) -> tuple[list[Survey], list[Layer]]:
    try:
        return survey(app)
    except Exception as error:  # of the application itself: Django imports its URLs here
        raise _NotLoaded(f"the routes of {target} can't be read: {type(error).__name__}: {error}") from error


def load(target: str, folder: str) -> Any:
    """The application that `module:app` or `module:factory()` names."""
    module, colon, path = target.partition(":")
    if not (module and colon and path):
        raise _NotLoaded(f"{target!r} is not of the form module:app")
    call = path.endswith("()")
    sys.path.insert(0, str(Path(folder).resolve()))  # and it stays: frameworks load their routes later
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            raise _NotLoaded(f"there is no module {error.name}") from None
        raise _NotLoaded(f"{module} needs {error.name}, which is not installed") from error
    except Exception as error:
        raise _NotLoaded(f"{module} failed as it was imported: {type(error).__name__}: {error}") from error
    for name in path.removesuffix("()").split("."):
        if not hasattr(found, name):
            raise _NotLoaded(f"{module} has no {name}")
        found = getattr(found, name)
    if call:
        try:
            found = found()
        except Exception as error:
            raise _NotLoaded(f"{target} failed: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise _NotLoaded(f"{target} is no application; it can't be called")
    return found
