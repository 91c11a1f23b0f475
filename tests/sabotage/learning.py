"""What a mutation run knows of the tests: the lines that each of them runs, and the words that it uses.

Every test runs once, and its lines and its seconds are written down (`learnt-*.jsonl`; again where its file or the code
has changed). Tests that fail without any mutant, or take long, judge none.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import os
import re
import time
from collections import Counter, defaultdict
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import coverage
import pytest
from _pytest.runner import runtestprotocol

FOLDER = Path(os.environ["BATCHWARE_MUTANTS"])
TREE = FOLDER / "tree"
PARTS = ("contract", "wire", "replay")
LONG = 10.0  # seconds


def run(items: list[pytest.Item], at: int) -> bool:
    """Whether the test failed."""
    after = items[at + 1] if at + 1 < len(items) else None
    return any(report.failed for report in runtestprotocol(items[at], nextitem=after, log=False))


def version(item: pytest.Item, code: str) -> str:
    return hashlib.sha256(item.path.read_bytes() + code.encode()).hexdigest()[:12]


def learn(items: list[pytest.Item], path: Path, code: str) -> None:
    """Writes a line for each test: the lines that it runs, its seconds, and whether it failed."""
    tracer = coverage.Coverage(
        data_file=None, config_file=False, messages=False, include=[f"{TREE}/batchware/{part}/*" for part in PARTS]
    )
    tracer.set_option("run:disable_warnings", ["no-data-collected"])  # of a test that runs none of these lines
    tracer.start()
    with path.open("a", encoding="utf-8") as file:
        for at, item in enumerate(items):
            tracer.switch_context(item.nodeid)
            began = time.process_time()  # a busy machine makes no test long
            failed = run(items, at)
            seconds = time.process_time() - began
            data = tracer.get_data()
            data.set_query_context(item.nodeid)
            lines = {str(Path(name).relative_to(TREE)): data.lines(name) for name in data.measured_files()}
            one = {"test": item.nodeid, "version": version(item, code), "seconds": seconds, "failed": failed}
            file.write(json.dumps({**one, "lines": {name: found for name, found in lines.items() if found}}) + "\n")
            file.flush()


def words(text: str) -> set[str]:
    return set(re.findall("[a-z][a-z0-9]{2,}", text.lower()))


class Learnt:
    """What is known of the tests that are there."""

    def __init__(self, items: list[pytest.Item], code: str) -> None:
        self.items = {item.nodeid: item for item in items}
        self.seconds: dict[str, float] = {}
        self.runs: dict[str, int] = {}
        self.reach: dict[tuple[str, int], list[str]] = defaultdict(list)
        self.failed: list[str] = []
        self.words: dict[str, set[str]] = {}
        known = {}
        for path in FOLDER.glob("learnt*.jsonl"):
            for line in path.read_text("utf-8").splitlines():
                one = json.loads(line)
                known[one["test"], one["version"]] = one
        self.missing = []
        sources: dict[Any, str] = {}
        for item in items:
            function = item.obj
            if (of := getattr(function, "__func__", function)) not in sources:
                sources[of] = inspect.getsource(of)
            self.words[item.nodeid] = words(item.nodeid + sources[of])
            one = known.get((item.nodeid, version(item, code)))
            if one is None:
                self.missing.append(item)
            elif one["failed"]:
                self.failed.append(item.nodeid)
            elif one["seconds"] < LONG:
                self.seconds[item.nodeid] = one["seconds"] + 0.002
                self.runs[item.nodeid] = sum(len(lines) for lines in one["lines"].values())
                for name, lines in one["lines"].items():
                    for line in lines:
                        self.reach[name, line].append(item.nodeid)
        spoken = Counter(chain.from_iterable(self.words.values()))
        self.rarity = {word: math.log(len(items) / count) for word, count in spoken.items()}

    def ordered(self, mutant: dict[str, Any]) -> list[str]:
        """The tests that run a mutant's lines: in turn one that speaks of it, and one of another file than before.

        Where nothing ran the changed line itself (a part of a longer statement, a default), those of the line before
        it, or of the whole function.
        """
        first, last = mutant["first"], mutant["last"]
        before = range(mutant["lines"][0] - 1, first, -1)
        for at in (mutant["lines"], *([line] for line in before), range(first, last + 1)):
            if found := {test for line in at for test in self.reach.get((mutant["file"], line), ())}:
                break
        cheap = sorted(found, key=lambda test: self.runs[test] * (0.02 + self.seconds[test]))
        times: Counter[str] = Counter()
        files: Counter[str] = Counter()
        turn, place = {}, {}
        for test in cheap:
            turn[test] = times[test.partition("[")[0]]
            times[test.partition("[")[0]] += 1
        for test in sorted(cheap, key=turn.__getitem__):
            place[test] = files[test.partition("::")[0]]
            files[test.partition("::")[0]] += 1
        mixed = sorted(cheap, key=place.__getitem__)
        asked = words(mutant["old"] + mutant["name"])
        speaks = {
            test: sum(self.rarity[word] for word in asked & self.words[test]) / (9 + len(self.words[test])) ** 0.5
            for test in found
        }
        speaking = sorted(cheap, key=lambda test: (turn[test] > 1, -speaks[test]))
        return list(dict.fromkeys(chain.from_iterable(zip_longest(speaking, mixed))))
