"""What an earlier run has left behind, put together out of its journal, its results and the input, read again.

Decides nothing before the input has turned out to be the same as far as it had been read: then each of those lines has
a result, or is in a batch in doubt, or is as good as new. Whatever was added to the input since is new.
"""

from __future__ import annotations

import secrets

from .actions import Batch, Contract, Entry, NotAnAction
from .journal import Journal
from .lines import Line
from .results import Numbers, Results


class Changed(Exception):
    """The input is not the one that the earlier run has read."""


class Recall:
    """Takes in lines until `pending` is over. Without a journal nothing is left behind."""

    def __init__(self, journal: Journal | None, contract: Contract) -> None:
        self._contract = contract
        self._run = journal.head.run if journal and journal.head else secrets.token_hex(12)
        self._mark = journal.mark if journal else None
        self._open = list(journal.open.values()) if journal else []
        self._wanted = Numbers()
        for sent in self._open:
            for number in sent.lines:
                self._wanted.add(number)
        self._entries: dict[int, Entry] = {}
        self.last = journal.last if journal else 0
        """The highest number that a batch has."""
        self.new: list[Line] = []
        """The lines that were read before, and are in no batch in doubt and without a result."""
        self.pending = self._mark is not None
        """Whether there are lines to come that were read before."""

    def key(self, number: int) -> str:
        """The Idempotency-Key of a batch; nobody else can come upon it."""
        return f"{self._run}-{number}"

    def line(self, line: Line, results: Results) -> bool:
        """A line that was read before; whether it was the last. Raises `Changed` where it can't have been."""
        assert self._mark is not None, "nothing is pending without it"
        if line.number in self._wanted:
            try:
                self._entries[line.number] = self._contract.entry(line)
            except NotAnAction:
                raise Changed(f"line {line.number} of the input was sent before, and now is no action") from None
        elif line.number not in results.done:
            self.new.append(line)
        if line.number >= self._mark.lines:
            if (line.number, line.digest()) != (self._mark.lines, self._mark.sha256):
                raise Changed(f"the input has changed before or in line {self._mark.lines}")
            self.pending = False
        return not self.pending

    def end(self) -> None:
        """The input has ended. Raises `Changed` if lines are missing that were there."""
        if self.pending and self._mark is not None:
            raise Changed(f"the input ends before line {self._mark.lines}, which was read before")

    def batches(self, results: Results) -> list[Batch]:
        """The batches in doubt, as they were sent, with the lines that have no result."""
        found: list[Batch] = []
        for sent in self._open:
            entries = [self._entries[number] for number in sent.lines]
            missing = {number for number in sent.lines if number not in results.done}
            found.append(Batch(sent.batch, sent.key, entries, missing, at=sent.at, doubts=1))
        return found
