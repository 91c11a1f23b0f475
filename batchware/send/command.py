"""The command line of `batchware send`, and its exit status.

0: every line has a status below 400. 1: some have another, or could not be sent. 2: the command itself is wrong, or the
input or the files are not those of the run to be resumed; nothing was sent. 3: stopped before the end, since the server
refuses batches or can't be reached, or a file can't be written; `--resume` goes on. 4: to the end, but of some lines it
is unknown whether they were done. 128 and the signal's number, 130 for Ctrl-C: interrupted; `--resume` goes on.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from .actions import Contract
from .bulk import Bulk
from .connection import Connection
from .dry_run import check
from .headers import read_headers
from .journal import Journal
from .landing import Settings, Stopped
from .lines import lines
from .progress import failed, phrase, progress, say
from .results import UNKNOWN, NotOurs, Results, sync_folder
from .resuming import Changed

FAILED, USAGE, STOPPED, UNKNOWN_LINES, SIGNALLED = 1, 2, 3, 4, 128

EPILOG = """\
exit status: 0 every line has a status below 400; 1 some have not; 2 wrong command, input or files, nothing was sent;
3 stopped before the end; 4 of some lines it is unknown whether they were done; 130 interrupted. After 3, 130 and
`kill -9`, --resume goes on where the run has ended.
"""


class _Wrong(Exception):
    """The command can't be run as it stands."""


def add(commands: Any) -> None:
    """Adds the command to a parser."""
    send: argparse.ArgumentParser = commands.add_parser(
        "send",
        help="send the actions of a file or a pipe in batches, each once",
        description="Sends actions, one JSON object a line (method, relative_path, data, options), in batches.",
        epilog=EPILOG,
    )
    whole, seconds = partial(_number, int), partial(_number, float)
    option = send.add_argument
    option("actions", metavar="ACTIONS.jsonl", nargs="?", default="-", help="default: standard input")
    option("--url", help="of the batch route: https://host/api/batch")
    option("--header", action="append", default=[], help="'Name: value', or @FILE with one a line; may be repeated")
    option("--style", choices=("asana", "plain"), default="asana", help="how the server writes batches")
    option("--parallel", type=whole, default=4, metavar="N", help="batches under way at once (default: 4)")
    option("--max-actions", type=whole, default=10, metavar="N", help="actions a batch (default: 10)")
    option("--max-body-bytes", type=whole, default=1 << 20, metavar="N", help="bytes a batch (default: 1 MiB)")
    option("--out", type=Path, metavar="RESULTS.jsonl", help="default: standard output, with no way to resume")
    option(
        "--resume", action="store_true", help="go on where an earlier run with this --out has ended, if there is one"
    )
    option(
        "--idempotent",
        action="store_true",
        help="the server keeps Idempotency-Keys: send a write again where it is unknown whether it was done",
    )
    option("--keys-kept", type=seconds, default=24.0, metavar="HOURS", help="how long it keeps them (default: 24)")
    option("--timeout", type=seconds, default=120.0, metavar="SECONDS", help="for an answer (default: 120)")
    option("--max-wait", type=seconds, default=600.0, metavar="SECONDS", help="without any progress (default: 600)")
    option("--dry-run", action="store_true", help="check every line against the contract, and send nothing")
    option("--quiet", action="store_true", help="show no progress")
    send.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    try:
        with ExitStack() as stack:
            if options.dry_run:
                return _dry_run(options, stack)
            return _send(options, stack)
    except (_Wrong, NotOurs, Changed) as error:
        say(f"batchware send: {error}")
        return USAGE


def _dry_run(options: argparse.Namespace, stack: ExitStack) -> int:
    url = _url(options.url) if options.url else urlsplit("http://localhost/batch")
    contract = Contract(options.style, url.path, options.max_body_bytes)
    read, _ = _input(options.actions, stack)
    count, wrong = check(lines(read, contract.longest), contract, options.actions)
    say(f"{count:,} lines, {wrong:,} of them wrong; nothing was sent")
    return FAILED if wrong else 0


def _send(options: argparse.Namespace, stack: ExitStack) -> int:
    if not options.url:
        raise _Wrong("--url is missing: the URL of the batch route")
    if options.resume and options.out is None:
        raise _Wrong("--resume needs --out, the results of the run to be resumed")
    url = _url(options.url)
    try:
        headers = read_headers(options.header)
        read, total = _input(options.actions, stack)
        contract = Contract(options.style, url.path, options.max_body_bytes)
        results, journal = _files(options, stack)
    except (ValueError, OSError) as error:
        raise _Wrong(str(error)) from None
    settings = Settings(
        parallel=options.parallel,
        max_actions=options.max_actions,
        max_body_bytes=options.max_body_bytes,
        idempotent=options.idempotent,
        keys_kept=options.keys_kept * 3600,
        max_wait=options.max_wait,
    )
    shown = progress(total, quiet=options.quiet)
    start = time.monotonic()
    bulk = Bulk(
        settings,
        contract,
        results=results,
        journal=journal,
        connect=partial(Connection, url, headers, options.timeout),
        progress=shown,
    )
    try:
        with _signals(bulk.stop):
            stopped = bulk.run(lines(read, contract.longest))
    except KeyboardInterrupt:
        stopped = Stopped("interrupted, with batches under way", signal.SIGINT)
    except OSError as error:
        stopped = Stopped(f"a file can't be written: {error}")
    finally:
        shown.close()
    _summary(results, stopped, time.monotonic() - start, resumable=journal is not None)
    return _status(results, stopped)


def _files(options: argparse.Namespace, stack: ExitStack) -> tuple[Results, Journal | None]:
    """Where results go, and the journal beside it. Raises `NotOurs`, `OSError`."""
    if options.out is None:
        return Results(sys.stdout.buffer, lasting=False), None
    out: Path = options.out
    beside = out.with_name(out.name + ".journal")
    if options.actions != "-" and out.exists() and out.samefile(options.actions):
        raise NotOurs(f"{out} is the input")
    file = stack.enter_context(out.open("a+b"))
    results = Results(file, lasting=True)
    journal = stack.enter_context(Journal.at(beside))
    if out.stat().st_size or journal.head:
        if not options.resume:
            raise NotOurs(f"{out} is there already: --resume goes on with that run, another --out begins a new one")
        if journal.head is None:
            raise NotOurs(f"{out} can't be gone on with: its journal {beside} is not there")
        results.recall()
    journal.begin(options.url, options.style)
    sync_folder(out.absolute())
    return results, journal


def _input(name: str, stack: ExitStack) -> tuple[Callable[[int], bytes], int | None]:
    """A function that reads so many bytes at most, and the size where there is one."""
    try:
        file: FileIO = stack.enter_context(FileIO(0 if name == "-" else name, closefd=name != "-"))
        size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise _Wrong(f"the input can't be read: {error}") from None
    return lambda most: file.read(most) or b"", size or None


def _url(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        if url.scheme not in ("http", "https") or not url.hostname or not url.path.startswith("/") or url.port == 0:
            raise ValueError
    except ValueError:
        raise _Wrong("--url must be the batch route's, like https://host/api/batch") from None
    if url.query or url.fragment or url.username is not None:
        raise _Wrong("--url has a query, a fragment or a password; credentials go into --header")
    return url


def _number(kind: Callable[[str], float], text: str) -> float:
    number = kind(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be above 0")
    return number


@contextmanager
def _signals(stop: Callable[[Stopped], None]) -> Generator[None]:
    """The first Ctrl-C (or SIGTERM) lets what is under way land, a second one does not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []

    def handle(number: int, frame: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        stop(Stopped("interrupted", number))

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _summary(results: Results, stopped: Stopped | None, took: float, *, resumable: bool) -> None:
    say(f"{phrase(results.counts)}; {took:.1f} s")
    for outcome, count in sorted(results.counts.items(), key=lambda item: str(item[0])):
        say(f"{outcome!s:>9}  {count:>9,}")
    if stopped is not None:
        say(f"stopped: {stopped.why}{'; --resume goes on' if resumable else ''}")


def _status(results: Results, stopped: Stopped | None) -> int:
    if stopped is not None:
        return SIGNALLED + stopped.signal if stopped.signal else STOPPED
    if results.counts[UNKNOWN]:
        return UNKNOWN_LINES
    return FAILED if failed(results.counts) else 0
