"""The benchmark for a moment: that each part gives rows, and that it measures what it says. Never how fast."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import batchware
from tests.benchmarks import calls
from tests.benchmarks.__main__ import GROUPS
from tests.benchmarks.applications import host
from tests.benchmarks.calls import ECHO, SMALL
from tests.benchmarks.picture import svg
from tests.benchmarks.rounds import Effort, Spread, ratios, take_turns
from tests.benchmarks.stages import OF_STAGE
from tests.servers.kinds import GUNICORN, UVICORN, require

ROOT = Path(__file__).parents[2]

# Two rounds of everything, on one server of each door, in a process of its own: it sets Django up for itself.
SHORTLY = """
from tests.benchmarks import rounds, serving
rounds.QUICK = rounds.Effort(0.0, 2)
serving.CASES = (serving.CASES[0], serving.CASES[2])
from tests.benchmarks.__main__ import main
raise SystemExit(main({arguments}))
"""


@pytest.mark.parametrize("group", GROUPS)
def test_every_part_gives_rows_of_figures(group: str, tmp_path: Path) -> None:
    if group == "http":
        require(UVICORN)
        require(GUNICORN)
    file = tmp_path / "tables.json"
    arguments = [f"--{group}", "--quick", "--json", str(file)]
    ran = subprocess.run(
        [sys.executable, "-c", SHORTLY.format(arguments=arguments)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-5000:]
    tables: dict[str, list[list[str]]] = json.loads(file.read_text())["tables"]
    assert list(tables) == list(GROUPS[group])
    for part, (head, *rows) in tables.items():
        assert rows, part
        for row in rows:
            assert len(row) == len(head), (part, row)
            measured = not any(cell.startswith("not measured") for cell in row)
            assert any(_is_figure(cell) for cell in row) == measured, (part, row)


def _is_figure(cell: str) -> bool:
    try:
        return float(cell) == float(cell)
    except ValueError:
        return False


@pytest.mark.parametrize("name", ["bare-asgi", "bare-wsgi"])
@pytest.mark.parametrize("handler", [SMALL, ECHO], ids=lambda handler: handler.label)
def test_a_batch_that_fails_is_not_measured(name: str, handler: Any) -> None:
    chosen = host(name)
    options = {**calls.everything(), "deny": ["/small", "/echo"]}
    with calls.door_of(chosen) as door, calls.batching(chosen, chosen.make(), options) as refusing:
        with pytest.raises(AssertionError):
            calls.batch_side(door, refusing, handler, 10)
        with calls.batching(chosen, chosen.make(), calls.everything()) as full:
            assert calls.batch_side(door, full, handler, 10)() > 0


def test_sides_take_turns() -> None:
    order: list[int] = []

    def side(number: int) -> Any:
        def timed() -> float:
            order.append(number)
            return float(number)

        return timed

    rounds = take_turns([side(1), side(2), side(3)], Effort(0.0, 4))
    assert order[3:] == [3, 2, 1, 1, 2, 3] * 2  # after the warm-up
    assert rounds == [(1.0, 2.0, 3.0)] * 4
    assert ratios(rounds, 2, 1) == Spread(1.5, 1.5, 1.5)


def test_the_stages_are_those_of_modules_that_exist() -> None:
    package = Path(batchware.__file__).parent
    for modules in OF_STAGE.values():
        for module in modules:
            assert (package / f"{module}.py").is_file(), module


def test_the_picture_has_a_bar_for_each_row_that_was_measured() -> None:
    head = ["application", "handler", "who", "ratio"]
    rows = [
        head,
        ["A", "x", "we", "1.5"],
        ["A", "x", "<they>", "3.0"],
        ["A", "x", "none", "-"],
        ["A", "y", "we", "9.0"],
    ]
    drawn = svg(rows, "x", "we", "a machine")
    assert drawn.count("<rect ") == 2
    assert "&lt;they&gt;" in drawn
    assert "9.0" not in drawn
    assert "prefers-color-scheme: dark" in drawn
