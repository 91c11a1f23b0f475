"""A short run of each fuzzer, and that each would find something if there were something to find."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from batchware.contract import headers, paths, patterns
from batchware.wire import asana
from batchware.wire import json as wire_json
from tests.fuzz.cases import decode
from tests.fuzz.checks import Doors, Finding
from tests.fuzz.engines import Run, grammar_guided
from tests.fuzz.neighbours import neighbour
from tests.fuzz.seeds import seeds

MakeDoors = Callable[[], Doors]
ROOT = Path(__file__).parents[2]
SEEDS = list(seeds())


def test_the_seeds_break_no_rule(make_doors: MakeDoors) -> None:
    doors = make_doors()
    verdicts = [doors.check(decode(data)) for data in SEEDS]
    assert sum(not verdict.errors for verdict in verdicts) > len(SEEDS) // 2


@pytest.mark.parametrize("seed", [1, 2])
def test_neighbours_of_the_seeds_break_no_rule(make_doors: MakeDoors, seed: int) -> None:
    doors, random = make_doors(), Random(seed)
    for _ in range(500):
        doors.check(decode(neighbour(random.choice(SEEDS), random.choice(SEEDS), random)))


def test_a_short_run_of_the_grammar_finds_nothing(make_doors: MakeDoors, tmp_path: Path) -> None:
    run = Run("hypothesis", 1000, float("inf"), 3, tmp_path, make_doors().check)
    grammar_guided(run)
    assert run.found == {}
    assert run.done == 1000
    assert run.came_to["actions run"] > 20
    assert run.came_to["actions refused"] > 50


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed")
def test_a_short_run_with_coverage_finds_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        "--engine",
        "atheris",
        "--inputs",
        "1500",
        "--findings",
        str(tmp_path),
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1,500 inputs" in ended.stdout
    assert list(tmp_path.iterdir()) == []


# --- a fuzzer that can't find anything is no fuzzer


def _reencoded(prefix: bytes | None, data: Any) -> bytes:
    return (prefix or b"") + json.dumps(json.loads(bytes(data))).encode()


def _break(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    never = re.compile(r"(?!)")
    match what:
        case "C4, the depth":
            monkeypatch.setattr(wire_json, "MAX_DEPTH", 1000)
            monkeypatch.setattr(wire_json.too_deep, "__defaults__", (1000,))
        case "C10, the methods":
            monkeypatch.setattr(asana, "METHODS", {*asana.METHODS, "TRACE"})
        case "C11, encoded separators":
            monkeypatch.setattr(paths, "_ENCODED_SEPARATOR", never)
        case "C11, control characters":
            monkeypatch.setattr(paths, "_CONTROL", never)
        case "C12, what is dispatched":
            monkeypatch.setattr(paths, "quote_path", lambda path: path)
        case "C13, the query":
            monkeypatch.setattr(asana.queries, "encode", lambda pairs: "&".join("=".join(pair) for pair in pairs))
        case "C16, rewriting headers":
            monkeypatch.setattr(headers, "_OWN_TO_PARENT", headers._OWN_TO_PARENT - {"x-rewrite-url"})
            headers.inherited.cache_clear()
        case "C21, validation":
            monkeypatch.setattr(wire_json, "valid", lambda body: True)
        case "C23, what is left out":
            monkeypatch.setattr(headers, "_LEFT_OUT", headers._LEFT_OUT - {"set-cookie"})
        case "C32, folding":
            monkeypatch.setattr(patterns, "fold", str.lower)
        case "C32, further decodings":
            monkeypatch.setattr(patterns, "unquote_to_bytes", bytes)


BREAKS = [
    "C4, the depth", "C10, the methods", "C11, encoded separators", "C11, control characters",
    "C12, what is dispatched", "C13, the query", "C16, rewriting headers", "C21, validation", "C23, what is left out",
    "C32, folding", "C32, further decodings",
]  # fmt: skip


@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_rule_is_found(monkeypatch: pytest.MonkeyPatch, make_doors: MakeDoors, what: str) -> None:
    _break(monkeypatch, what)
    doors, random = make_doors(), Random(5)
    try:
        for at in count():
            data = SEEDS[at] if at < len(SEEDS) else neighbour(random.choice(SEEDS), random.choice(SEEDS), random)
            assert at < 6000, f"{what} is broken, and nothing finds it"
            try:
                doors.check(decode(data))
            except Finding:
                return
    finally:
        headers.inherited.cache_clear()


def test_a_finding_is_saved_and_can_be_tried_again(
    monkeypatch: pytest.MonkeyPatch, make_doors: MakeDoors, tmp_path: Path
) -> None:
    _break(monkeypatch, "C11, encoded separators")
    doors = make_doors()
    run = Run("hypothesis", 20_000, float("inf"), 4, tmp_path, doors.check)
    grammar_guided(run)
    (saved,) = run.found.values()
    assert run.summary() == 1
    with pytest.raises(Finding):
        doors.check(decode(saved.read_bytes()))
