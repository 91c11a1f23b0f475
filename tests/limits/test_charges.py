"""C35, C38 and C39: what a batch owes, in the words of a limiter."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
import pytest

from batchware import Action, Charge, Concurrency, Parent, Quota, by_client
from batchware.contract import charges
from batchware.contract.charges import HostLimits, charges_for, new_permit
from batchware.contract.nesting import Mark

PARENT = Parent("POST", "/batch", "", "http", (), "192.0.2.1", {}, "somebody")
ACTIONS = [(Action(0, "GET", "/tasks"), Mark()), (Action(1, "GET", "/scim"), None)]
"""One that will run, and one that is refused."""


class Kept:
    """Limits that the host keeps itself."""

    name = "kept"

    def __init__(self) -> None:
        self.asked: list[tuple[Parent, Sequence[tuple[Action, Mark | None]], str]] = []

    def charges(self, parent: Parent, actions: Sequence[tuple[Action, Mark | None]], permit: str) -> Sequence[Charge]:
        self.asked.append((parent, actions, permit))
        return [Charge(Quota("theirs", 5), "them", len(actions))]


def test_c35_limits_that_the_host_keeps_stand_among_the_others() -> None:
    kept = Kept()
    assert isinstance(kept, HostLimits)
    limits = [Quota("posts", 9, methods=["POST"]), Quota("all", 9), kept, Concurrency("flying", 9)]
    owed = [(charge.rule.name, *msgspec.structs.astuple(charge)[1:]) for charge in charges_for(
        limits, PARENT, ACTIONS, "permit"
    )]  # fmt: skip
    assert owed == [
        ("all", "principal:somebody", 2, ()),
        ("theirs", "them", 2, ()),
        ("flying", "principal:somebody", 2, ("permit:0",)),
    ]
    assert kept.asked == [(PARENT, ACTIONS, "permit")]


def test_c35_who_is_asked_for_once_is_known_to_all_limits_of_that_key(caplog: pytest.LogCaptureFixture) -> None:
    nobody = msgspec.structs.replace(PARENT, client=None, principal=None)
    limits = [Quota("minute", 9, key=by_client), Quota("hour", 99, key=by_client)]
    subjects = {charge.subject for charge in charges_for(limits, nobody, ACTIONS, "permit")}
    assert len(subjects) == 1
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "the limit minute knows neither principal nor client; all such requests share one bucket"
    ]


def test_c36_no_permit_is_like_another() -> None:
    assert len({new_permit() for _ in range(100)}) == 100


def test_c36_no_permit_of_a_process_is_like_one_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    permits = []
    for _ in range(2):
        monkeypatch.setattr(charges, "_process", charges._Process())
        permits += [new_permit() for _ in range(100)]
    assert len({*permits}) == 200
    assert len({*map(len, permits)}) == 1


def test_c35_a_request_costs_one_unless_it_is_said_otherwise() -> None:
    assert Quota("q", 1).cost(Action(0, "GET", "/tasks")) == 1
