"""`python -m tests.soak`: each server for eleven minutes, side by side, and a table of what they held.

The exit status is 1 if any answer was wrong or anything grew.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import astuple
from pathlib import Path

from tests.servers.kinds import ONE_OF_EACH, Server
from tests.servers.running import Running, running
from tests.soak.clients import Clients
from tests.soak.plays import OPTIONS
from tests.soak.watch import Sample, Watch

REST = 20.0  # seconds until a server has let go of what its last clients left: Hypercorn keeps connections for two
HEAD = ("server", "requests", "actions", "wrong", "MiB at 2 min", "peak", "end", "change")
PAIRS = ("threads", "descriptors", "tasks", "connections")  # idle at first, and at rest in the end
# With an arena for each thread glibc keeps what each had at its worst, of direct requests too, and goes on for hours.
ARENAS = 2


class Soak:
    """One server, its clients, and who watches it."""

    def __init__(self, served: Running, rate: float, seed: int, only_direct: bool) -> None:
        self.served = served
        self.watch = Watch(served)
        self.idle: Sample | None = None
        clients = 1 if served.server.single else 4
        self.clients = Clients(served.port, count=clients, rate=rate, seed=seed, only_direct=only_direct)

    def end(self) -> Sample:
        """What the server holds when all clients have gone and it has come to rest."""
        self.clients.stop()
        assert self.idle is not None
        deadline = time.monotonic() + REST
        while self.watch.not_flat(self.idle, end := self.watch.look()) and time.monotonic() < deadline:
            time.sleep(0.5)
            self.watch.samples.pop()  # at rest it holds less than at work
        self.watch.samples.pop()
        return end


def soak(
    servers: list[Server],
    seconds: float,
    rate: float,
    seed: int,
    only_direct: bool = False,
    samples: Path | None = None,
    arenas: int = ARENAS,
    at_least: int = 0,
) -> list[list[str]]:
    """The rows of the table; a row whose last cell is not empty says what is wrong.

    It takes so many `seconds`, and longer where there were not yet `at_least` so many requests to each server.
    """
    environment = {"MALLOC_ARENA_MAX": str(arenas)} if arenas else {}
    with ExitStack() as stack:
        soaks = []
        for server in servers:
            host = "starlette" if server.door == "asgi" else "flask"
            served = stack.enter_context(running(server, host, OPTIONS, environment=environment))
            soaks.append(Soak(served, rate, seed, only_direct))
        for one in soaks:
            one.idle = one.watch.look()
            one.clients.start()
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end or min(one.clients.counted["requests"] for one in soaks) < at_least:
                time.sleep(min(5.0, seconds / 20))
                for one in soaks:
                    one.watch.look()
        finally:
            for one in soaks:
                one.clients.over.set()
        rows = [_row(one, one.end()) for one in soaks]
        if samples is not None:
            taken = [(one.served.server.id, *astuple(sample)) for one in soaks for sample in one.watch.samples]
            with samples.open("a") as file:
                file.writelines(",".join(map(str, line)) + "\n" for line in taken)
        return rows


def _row(one: Soak, end: Sample) -> list[str]:
    watch, counted, wrong = one.watch, one.clients.counted, one.clients.wrong
    assert one.idle is not None
    mib = [f"{size / 2**20:.1f}" for size in (watch.before, watch.peak, watch.after)]
    pairs = [f"{getattr(one.idle, name)} -> {getattr(end, name)}" for name in PAIRS]
    change = f"{(watch.after / watch.before - 1) * 100:+.1f}%"
    found = [*watch.not_flat(one.idle, end), *wrong[:5]]
    return [
        one.served.server.id, str(counted["requests"]), str(counted["actions"]), str(len(wrong)), *mib, change, *pairs,
        "; ".join(found),
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    names = [server.id for server in ONE_OF_EACH]
    parser.add_argument("--seconds", type=float, default=660.0, help="how long (%(default)s)")
    parser.add_argument("--rate", type=float, default=24.0, help="requests a second to each server (%(default)s)")
    parser.add_argument("--servers", nargs="+", choices=names, default=names)
    parser.add_argument("--parallel", type=int, default=len(names), help="servers that run side by side (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=Path, help="a file for all that was sampled, as CSV")
    parser.add_argument("--arenas", type=int, default=ARENAS, help="of glibc in a server (%(default)s); 0: as it likes")
    parser.add_argument("--only-direct", action="store_true", help="no batches: what the server itself does")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # servers end with it, and so do their folders
    chosen = [server for server in ONE_OF_EACH if server.id in given.servers]
    rows = []
    for first in range(0, len(chosen), given.parallel):
        side_by_side = chosen[first : first + given.parallel]
        how = (given.seconds, given.rate, given.seed, given.only_direct, given.samples, given.arenas)
        rows += soak(side_by_side, *how)
    for row in (HEAD + PAIRS, ["---"] * len(HEAD + PAIRS), *(row[:-1] for row in rows)):
        print("| " + " | ".join(row) + " |")
    for row in rows:
        if row[-1]:
            print(f"{row[0]}: {row[-1]}")
    return int(any(row[-1] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
