"""A plugin of pytest that judges mutants: each in a fork of one warm process, by the tests that run its lines.

What killed a mutant of the same function comes first, then in turn what killed one in the same module, what speaks of
the changed line, and what of all files is left.

A mutant that hangs is killed: its test neither ends, nor works, for some seconds, or works for far longer than it did.
Time in which the process may not run, on a busy machine or stopped by hand, counts for neither. (Linux only.)
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import time
from collections import Counter, defaultdict
from contextlib import suppress
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from mutmut.mutation import trampoline

from tests.sabotage.learning import FOLDER, Learnt, learn, run

IDLE = 5.0  # seconds without work after which a test hangs
TICK = 0.25

active = ""
trampoline.get_mutant_under_test = lambda: active


def activate(name: str) -> None:
    global active  # noqa: PLW0603 - the trampolines ask for it with every call
    active = name


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
            reach = learnt.ordered(mutant)
            within = {*reach}
            kills = [
                sorted((test for test in of if test in within), key=lambda test: -of[test] / learnt.seconds[test])
                for of in (own, near)
            ]
            for test in dict.fromkeys([*kills[0], *filter(None, chain.from_iterable(zip_longest(kills[1], reach)))]):
                if spent + learnt.seconds[test] <= seconds:
                    spent += learnt.seconds[test]
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
