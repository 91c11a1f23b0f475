"""Every line held against the contract, without sending anything: what a server that has the defaults would refuse.

What only the server knows (its own deny rules, what an endpoint makes of its data) can't be told here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from .actions import Contract
from .lines import Line


def check(source: Iterator[Line], contract: Contract, name: str) -> tuple[int, int]:
    """Writes `name:line: what is wrong` to standard output; returns how many lines there are, and how many wrong."""
    lines = wrong = 0
    for line in source:
        lines += 1
        why = contract.judge(line)
        if why is not None:
            wrong += 1
            sys.stdout.write(f"{name}:{line.number}: {why}\n")
    return lines, wrong
