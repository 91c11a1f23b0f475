"""`python -m tests.sabotage`: exit status 1 if any change goes unnoticed."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.sabotage.changes import CHANGES, Change

ROOT = Path(__file__).parents[2]


def noticed(change: Change) -> str | None:
    """None if a test fails with `change`; else what happened."""
    with tempfile.TemporaryDirectory(prefix="batchware-sabotage-") as name:
        folder = Path(name)
        for part in ("batchware", "tests", "pyproject.toml"):
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder)
        file = folder / "batchware" / change.file
        file.write_text(changed(file.read_text("utf-8"), change), "utf-8")
        tests = [f"tests/contract/{test}" for test in change.tests]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", *tests],
            cwd=folder, env={**os.environ, "PYTHONPATH": name, "CI": "true"},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if run.returncode == 1 and " failed" in run.stdout:
            return None
        return f"pytest ended with {run.returncode}: {run.stdout[-300:]}{run.stderr[-300:]}"


def changed(text: str, change: Change) -> str:
    """`text` with the change; raises `ValueError` unless its place is there, once."""
    if text.count(change.old) != 1:
        raise ValueError(f"{change.id}: {change.old!r} stands {text.count(change.old)} times in {change.file}")
    return text.replace(change.old, change.new)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage", description=__doc__)
    parser.add_argument("only", nargs="*", help="of these changes; all where none is named")
    only = parser.parse_args().only
    chosen = [change for change in CHANGES if not only or change.id in only]
    missed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for change, found in zip(chosen, pool.map(noticed, chosen), strict=True):
            print(f"{'noticed' if found is None else 'MISSED '}  {change.id}", *filter(None, [found]), flush=True)
            missed += found is not None
    print(f"{len(chosen)} changes, {missed} unnoticed")
    return int(bool(missed) or not chosen)


if __name__ == "__main__":
    sys.exit(main())
