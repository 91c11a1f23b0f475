"""The demo: a filled store, a server, the batches one by one, the race, and then a server to play with.

Decides the order, and what counts as trouble that its user can put right: a taken port, a file that is no taskboard.
"""

from __future__ import annotations

import errno
import socket
import time
from contextlib import ExitStack

from . import console, limits, race, showcase
from .api import Board
from .client import Client
from .hosts import LOOPBACK, SERVERS, listen, serving
from .race import WrongAnswer
from .sample import Sample, fill
from .showcase import Stopwatch, play, shows, warm_up
from .store import NotATaskboard, Store


class Trouble(Exception):
    """Something that its user can put right; the message says how."""


def run(host: str, port: int, db: str, limited: str, redis_url: str | None, *, once: bool) -> int:
    """All of it; returns the exit status. `limited` is the text of `--limits`."""
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(port))
        port = listener.getsockname()[1]
        try:
            store = stack.enter_context(Store(db))
        except NotATaskboard as error:
            raise Trouble(f"{error}; name another file with --db") from None
        sample, stopwatch = fill(store), Stopwatch()
        kept = limits.options(limited, redis_url, asgi=host != "flask")
        stack.enter_context(serving(host, Board(store, guest=sample.token), listener, hooks=[stopwatch], **kept))
        print(f"The taskboard, {SERVERS[host]}, http://{LOOPBACK}:{port}", flush=True)
        passed = _show(port, sample, stopwatch) and _refuse(port, sample)
        if limits.read(limited)[0] >= race.REQUESTS:
            passed = passed and _race(port, sample)
        else:
            print(f"\nThe race is left out: it counts as {race.REQUESTS} requests, more than --limits lets through.")
        if not passed:
            print("\nNot everything went as expected: see above.", flush=True)
        if not once:
            _serve_on(port, sample)
    return 0 if passed else 1


def _listen(port: int) -> socket.socket:
    try:
        return listen(port)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "is taken by another program" if taken else f"can't be used ({error.strerror})"
        raise Trouble(f"port {port} {why}; choose another with --port, or any free one with --port 0") from None


def _show(port: int, sample: Sample, stopwatch: Stopwatch) -> bool:
    passed = True
    with Client(port, sample.token) as client:
        warm_up(client)
        for number, show in enumerate(shows(sample), start=1):
            shown = play(client, show, stopwatch)
            passed = passed and shown.as_expected
            print(f"\n{console.table(number, shown)}", flush=True)
    return passed


def _refuse(port: int, sample: Sample) -> bool:
    """A batch that a limit refuses as a whole, and that passes when the answer said it would."""
    full, more = showcase.member_lists(sample, limits.MEMBER_LISTS), showcase.member_lists(sample, 5)
    print(f"\n5. A limit counts every action: {limits.MEMBER_LISTS} lists of members a second", flush=True)
    with Client(port, sample.token) as client:
        replies = [client.batch(full), client.batch(more)]
        print(console.attempt(f"a batch of {len(full)}", replies[0]), flush=True)
        print(console.attempt(f"a batch of {len(more)}, at once", replies[1]), flush=True)
        wait = replies[1].retry_after
        if wait is None:
            return False
        print(f"   waiting {wait} s, as Retry-After says ...", flush=True)
        time.sleep(wait)
        replies.append(client.batch(more))
        print(console.attempt("the same batch again", replies[2]), flush=True)
    return [reply.status for reply in replies] == [200, 429, 200]


def _race(port: int, sample: Sample) -> bool:
    print(f"\nTen reads in three ways, median of {race.ROUNDS} rounds ", end="", flush=True)
    try:
        results = race.race(port, sample.token, sample.tasks[:10], lambda: print(".", end="", flush=True))
    except WrongAnswer as error:
        print(f" {error}", flush=True)
        return False
    print(f"\n{console.podium(results)}\n{console.DISTANCE}", flush=True)
    return True


def _serve_on(port: int, sample: Sample) -> None:
    print(f"\nThe board is a page, too: open http://{LOOPBACK}:{port}/ in a browser.")
    print(f"\nServing on; Ctrl-C ends it. A batch to send by hand:\n\n{console.curl(port, sample)}\n", flush=True)
    try:
        # In short pieces: a signal that comes just before the thread falls asleep is only seen when it wakes up.
        while True:
            time.sleep(0.5)
    except KeyboardInterrupt:
        print("\nStopped.")
