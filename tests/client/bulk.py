"""Very many actions through `batchware send`, killed at random and resumed: `python -m tests.client.bulk`.

Two runs against a taskboard with limits that are hit all the time: a tenth of the actions without a kill, for the
memory that it takes, and all of them with the kills. Exit status 1 if anything was lost or done twice, or if memory
grows with the number of actions.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from batchware import Concurrency, Quota
from tests.client.send.killed import (
    Executioner,
    Runs,
    board,
    check_once,
    make_doomed,
    send_until_done,
    write_actions,
)

GROWTH = 1.15  # the most that the peak may be above that of a tenth of the actions
LIMITS = [Quota("requests", 2500, per=4), Concurrency("writes", 25, methods=["POST", "PUT", "DELETE"])]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.client.bulk", description=__doc__)
    parser.add_argument("--actions", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--face", choices=("starlette", "flask", "django"), default="starlette")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # what the server says of clients that are gone and of tasks that are not there
    say(f"{options.actions:,} actions, {options.kills} kills, {options.face}, seed {options.seed}")
    few = run(options.face, options.actions // 10, 0, random.Random(options.seed))
    many = run(options.face, options.actions, options.kills, random.Random(options.seed))
    growth = max(many.peaks) / max(few.peaks)
    say(f"peak: {max(few.peaks) / 1024:.1f} MiB, then {max(many.peaks) / 1024:.1f} MiB, {growth:.2f} times as much")
    return 0 if growth <= GROWTH and len(many.statuses) == options.kills + 1 else 1


def run(face: str, count: int, kills: int, chance: random.Random) -> Runs:
    """One set of actions, killed now and then; raises `AssertionError` where one was lost or done twice."""
    share = count // (kills + 1)
    executioner = Executioner([chance.randrange(share // 2, share) for _ in range(kills)], chance)
    with tempfile.TemporaryDirectory() as folder:
        actions, out = Path(folder, "actions.jsonl"), Path(folder, "results.jsonl")
        with board(face, LIMITS, executioner, str(Path(folder, "board.sqlite3"))) as served:
            expected = write_actions(actions, count, served.sample, make_doomed(served.store, count // 10))
            start = time.monotonic()
            runs = send_until_done(served, actions, out, "--idempotent", deadline=3600.0)
            took = time.monotonic() - start
            check_once(served, out, expected)
        refused = sum(later - 1 for later in sent_again(out.with_name(out.name + ".journal")).values())
    say(f"{count:,} actions in {took:.1f} s, each once; exit statuses {runs.statuses}; batches sent again: {refused}")
    say("  peaks in MiB: " + ", ".join(f"{peak / 1024:.1f}" for peak in runs.peaks))
    return runs


def sent_again(journal: Path) -> dict[int, int]:
    """How often each batch was sent."""
    times: dict[int, int] = {}
    for line in journal.read_text().splitlines():
        record = json.loads(line)
        if "batch" in record:
            times[record["batch"]] = times.get(record["batch"], 0) + 1
    return times


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
