"""`python -m tests.soak`: each server for eleven minutes, side by side, and a table of what they held.

The exit status is 1 if any answer was wrong or anything grew.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack

from tests.servers.kinds import ONE_OF_EACH, Server
from tests.servers.running import Running, running
from tests.soak.clients import Clients
from tests.soak.plays import OPTIONS
from tests.soak.watch import Sample, Watch

REST = 20.0  # seconds until a server has let go of what its last clients left: Hypercorn keeps connections for five
HEAD = ("server", "requests", "actions", "wrong", "MiB at 2 min", "peak", "end", "change", "threads", "fds", "tasks")


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


def soak(servers: list[Server], seconds: float, rate: float, seed: int, only_direct: bool = False) -> list[list[str]]:
    """The rows of the table; a row whose last cell is not empty says what is wrong."""
    with ExitStack() as stack:
        soaks = []
        for server in servers:
            host = "starlette" if server.door == "asgi" else "flask"
            served = stack.enter_context(running(server, host, OPTIONS))
            soaks.append(Soak(served, rate, seed, only_direct))
        for one in soaks:
            one.idle = one.watch.look()
            one.clients.start()
        try:
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(5.0, left))
                for one in soaks:
                    one.watch.look()
        finally:
            for one in soaks:
                one.clients.over.set()
        return [_row(one, one.end()) for one in soaks]


def _row(one: Soak, end: Sample) -> list[str]:
    watch, counted, wrong = one.watch, one.clients.counted, one.clients.wrong
    assert one.idle is not None
    mib = [f"{size / 2**20:.1f}" for size in (watch.before, watch.peak, watch.after)]
    pairs = [f"{getattr(one.idle, name)} -> {getattr(end, name)}" for name in ("threads", "descriptors", "tasks")]
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
    parser.add_argument("--rate", type=float, default=12.0, help="requests a second to each server (%(default)s)")
    parser.add_argument("--servers", nargs="+", choices=names, default=names)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only-direct", action="store_true", help="no batches: what the server itself does")
    given = parser.parse_args()
    chosen = [server for server in ONE_OF_EACH if server.id in given.servers]
    rows = soak(chosen, given.seconds, given.rate, given.seed, given.only_direct)
    for row in (HEAD, ["---"] * len(HEAD), *(row[:-1] for row in rows)):
        print("| " + " | ".join(row) + " |")
    for row in rows:
        if row[-1]:
            print(f"{row[0]}: {row[-1]}")
    return int(any(row[-1] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
