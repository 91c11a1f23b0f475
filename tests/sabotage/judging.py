"""A plugin of pytest that judges mutants: each in a fork of one warm process, by the tests that run its lines.

First it learns: every test runs once, and which lines it runs and how long it takes is written down (`learnt-*.jsonl`;
again where its file or the code has changed). Tests that fail without any mutant, or take long, judge none.
Then the workers take one function after the other. What killed a mutant of the same function comes first, then what
killed in the same module, then tests of all files in turn.

A mutant that hangs is killed: its test neither ends, nor works, for some seconds, or works for far longer than it did.
Time in which the process may not run, on a busy machine or stopped by hand, counts for neither. (Linux only.)
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import select
import signal
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

import coverage
import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings
from mutmut.mutation import trampoline

FOLDER = Path(os.environ["BATCHWARE_MUTANTS"])
TREE = FOLDER / "tree"
PARTS = ("contract", "wire", "replay")
LONG = 10.0  # seconds; a longer test judges no mutant
IDLE = 5.0  # seconds without work after which a test hangs
TICK = 0.25

active = ""
trampoline.get_mutant_under_test = lambda: active


def activate(name: str) -> None:
    global active  # noqa: PLW0603 - the trampolines ask for it with every call
    active = name


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


class Learnt:
    """What is known of the tests that are there."""

    def __init__(self, items: list[pytest.Item], code: str) -> None:
        self.items = {item.nodeid: item for item in items}
        self.seconds: dict[str, float] = {}
        self.runs: dict[str, int] = {}
        self.reach: dict[tuple[str, int], list[str]] = defaultdict(list)
        self.failed: list[str] = []
        known = {}
        for path in FOLDER.glob("learnt*.jsonl"):
            for line in path.read_text("utf-8").splitlines():
                one = json.loads(line)
                known[one["test"], one["version"]] = one
        self.missing = []
        for item in items:
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

    def mixed(self, mutant: dict[str, Any]) -> list[str]:
        """The tests that run a mutant's lines, so that the first few differ: of each file one, then of each another.

        Where nothing ran the changed line itself (a part of a longer statement), those of the line before it.
        """
        first = mutant["lines"][0]
        for at in (mutant["lines"], *([line] for line in range(first - 1, mutant["first"], -1))):
            if found := {test for line in at for test in self.reach.get((mutant["file"], line), ())}:
                break
        files: dict[str, list[tuple[int, float, str]]] = defaultdict(list)
        times: Counter[str] = Counter()
        for cost, test in sorted((self.runs[test] * (0.02 + self.seconds[test]), test) for test in found):
            times[test.partition("[")[0]] += 1
            files[test.partition("::")[0]].append((times[test.partition("[")[0]], cost, test))
        places = [(place, cost, test) for one in files.values() for place, (_, cost, test) in enumerate(sorted(one))]
        return [test for _, _, test in sorted(places)]


def alone(name: str, items: list[pytest.Item], told: int) -> int:
    """In the fork: 1 with the first test that fails, whose id is the last that was told."""
    activate(name)
    for at, item in enumerate(items):
        os.write(told, f"\n{item.nodeid}".encode())
        try:
            if run(items, at):
                return 1
        except BaseException:  # noqa: BLE001 - whatever leaves a test has failed it
            return 1
    return 0


def state(pid: int) -> tuple[float, bool]:
    """The CPU seconds of a process, and whether any of its threads waits for a CPU or is stopped."""
    ticks, busy = 0, False
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
            busy |= fields[0] in "RTD"
    return ticks / os.sysconf("SC_CLK_TCK"), busy


def watch(pid: int, told: int, seconds: dict[str, float]) -> tuple[str, bool]:
    """The test that ran last, and whether it hung."""
    test, idle, before, began = "", 0.0, 0.0, 0.0
    while True:
        ready, _, _ = select.select([told], [], [], TICK)
        now, busy = state(pid)
        if ready:
            if not (chunk := os.read(told, 1 << 16)):
                return test, False
            test, idle, began = chunk.decode("utf-8", "replace").rpartition("\n")[2], 0.0, now
        elif now > before or busy:
            idle = 0.0
        else:
            idle += TICK
        before = now
        if idle > IDLE or now - began > IDLE + 10 * seconds.get(test, 1):
            return test, True


def judge(name: str, tests: list[str], learnt: Learnt) -> tuple[str, str]:
    """The verdict, and the test that it is due to."""
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        code = 3
        try:
            os.setpgid(0, 0)
            os.close(told)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for output in (1, 2):
                os.dup2(nowhere, output)
            code = alone(name, [learnt.items[test] for test in tests], tell)
        finally:
            os._exit(code)
    os.close(tell)
    test, hung = watch(pid, told, learnt.seconds)
    os.close(told)
    if hung:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)  # what its tests have started
    if hung:
        return "timeout", test
    return ("survived", "") if status == 0 else ("killed", test)


def work(functions: list[list[dict[str, Any]]], queue: int, learnt: Learnt, seconds: float) -> None:
    """One worker: takes functions from the queue, as long as there are any."""
    killers: dict[str, Counter[str]] = defaultdict(Counter)
    with suppress(FileNotFoundError):
        for line in (FOLDER / "results.jsonl").read_text("utf-8").splitlines():
            one = json.loads(line)
            function = one["name"].partition("__mutmut_")[0]
            killers[function][one["test"]] += 1
            killers[function.rpartition(".")[0]][one["test"]] += 1
    while number := os.read(queue, 4):
        for mutant in functions[int.from_bytes(number)]:
            function = mutant["name"].partition("__mutmut_")[0]
            own, near = killers[function], killers[function.rpartition(".")[0]]
            spent, tests = 0.0, []
            reach = learnt.mixed(mutant)
            for test in sorted(reach, key=lambda test: (-own[test], -near[test] if near[test] > 2 else 0)):
                spent += learnt.seconds[test]
                if tests and spent > seconds:
                    break
                tests.append(test)
            verdict, test = judge(mutant["name"], tests, learnt) if tests else ("no tests", "")
            if test:
                own[test] += 1
                near[test] += 1
            line = {"name": mutant["name"], "hash": mutant["hash"], "verdict": verdict, "test": test}
            with (FOLDER / "results.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({**line, "seconds": seconds, "ran": len(tests), "reach": len(reach)}) + "\n")


def forked(jobs: list[Any]) -> None:
    """Calls each job in a fork, side by side, and waits for all."""
    pids = []
    for job in jobs:
        pid = os.fork()
        if not pid:
            code = 1
            try:
                job()
                code = 0
            except BaseException as error:
                print(repr(error), flush=True)
                raise
            finally:
                os._exit(code)
        pids.append(pid)
    if any(os.waitpid(pid, 0)[1] for pid in pids):
        raise SystemExit("a worker ended early")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    if session.testsfailed:
        raise session.Interrupted(f"{session.testsfailed} errors while collecting")
    plan = json.loads((FOLDER / "plan.json").read_text("utf-8"))
    workers = plan["workers"]
    learnt = Learnt(session.items, plan["code"])
    if learnt.missing and plan["learn"]:
        # Whole files, so that a fixture of a module is set up once.
        files: dict[Path, list[pytest.Item]] = defaultdict(list)
        for item in learnt.missing:
            files[item.path].append(item)
        shares = [[item for one in list(files.values())[at::workers] for item in one] for at in range(workers)]
        began = f"{time.time_ns()}"
        forked(
            [
                lambda share=share, at=at: learn(share, FOLDER / f"learnt-{began}-{at}.jsonl", plan["code"])
                for at, share in enumerate(shares)
            ]
        )
        learnt = Learnt(session.items, plan["code"])
    print(f"{len(learnt.seconds)} tests, {sum(learnt.seconds.values()):.0f} s; failed without a mutant:", learnt.failed)
    for item in session.items:  # the first failure is enough: it needs not be made small
        function = getattr(item.obj, "__func__", item.obj)
        if chosen := getattr(function, "_hypothesis_internal_use_settings", None):
            function._hypothesis_internal_use_settings = settings(
                chosen, phases=(Phase.explicit, Phase.generate), database=None
            )
    warm = sorted((test for test in learnt.seconds if learnt.seconds[test] < 0.05 and "thread" not in test), key=hash)
    items = [learnt.items[test] for test in warm[:60]]
    for at in range(len(items)):
        run(items, at)
    functions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for mutant in plan["todo"]:
        functions[mutant["name"].partition("__mutmut_")[0]].append(mutant)
    queue, fill = os.pipe()
    for number in range(len(functions)):  # four bytes each, less than a pipe holds
        os.write(fill, number.to_bytes(4))
    os.close(fill)
    gc.collect()
    gc.freeze()
    forked([lambda: work(list(functions.values()), queue, learnt, plan["seconds"])] * workers)
    return True
