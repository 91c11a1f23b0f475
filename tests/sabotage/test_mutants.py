"""That `survivors.md` speaks of lines that are there, and a run ends well only if nothing else has survived."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sabotage.mutants import ROOT, Mutant, left, listed, report

MUTANT = Mutant(
    "batchware.wire.query.xǁListsǁjoined__mutmut_1", "0", "batchware/wire/query.py", 1, 9, [2], "a = 1", "a = 2"
)


def test_a_survivor_that_is_listed_is_a_line_of_the_code() -> None:
    lines = {}
    for survivor in listed():
        place, _, change = survivor.partition(": ")
        module = "/".join(place.split(".")[:2])
        if module not in lines:
            lines[module] = " ".join((ROOT / "batchware" / f"{module}.py").read_text("utf-8").split())
        assert " ".join(change.partition(" => ")[0].split()) in lines[module], survivor


@pytest.mark.parametrize(
    ("verdict", "known", "status"),
    [
        ("killed", set(), 0),
        ("timeout", set(), 0),
        ("survived", set(), 1),
        ("no tests", set(), 1),
        ("survived", {MUTANT.line}, 0),
        (None, set(), 1),
    ],
)
def test_a_run_ends_well_if_what_survived_is_listed(
    verdict: str | None, known: set[str], status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if verdict:
        line = {"name": MUTANT.name, "hash": "0", "verdict": verdict, "seconds": 1.0, "ran": 1, "reach": 2}
        (tmp_path / "results.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    assert report([MUTANT], tmp_path, known) == status
    assert ("wire.query.Lists.joined: a = 1 => a = 2" in capsys.readouterr().out) == (
        verdict in {"survived", "no tests"} and not known
    )
    assert bool(left([MUTANT], tmp_path, 9.0, known, again=False)) == (status == 1)
