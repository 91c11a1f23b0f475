"""The ledger of a process: what is held in a forked child is the child's own (C39)."""

from __future__ import annotations

import os

import pytest

from batchware import Action, Concurrency, Parent
from batchware.contract.charges import charges_for, slots_of
from batchware.contract.effects import Admit
from batchware.contract.nesting import Mark
from batchware.limiters.memory import MemoryLimiter
from batchware.replay.ledger import CallingLedger
from batchware.replay.places import Places

RULE = Concurrency("flying", 10)
PARENT = Parent("GET", "/tasks", "", "http", (), "127.0.0.1", {}, "somebody")


def test_c39_a_forked_process_renews_no_slot_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = CallingLedger(Places(10), [RULE], MemoryLimiter())

    def admit(permit: str) -> None:
        charges = charges_for([RULE], PARENT, [(Action(0, "GET", "/tasks"), Mark())], permit)
        assert ledger.admit(Admit(0, charges, permit, pass_if_down=False)) is not None
        assert slots_of(charges, permit)[0][0] in ledger.held

    admit("before")
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    admit("after")
    assert [slot.holder for slot in ledger.held] == ["after:0"]
    admit("later")
    assert [slot.holder for slot in ledger.held] == ["after:0", "later:0"]
    ledger.free(0, ledger.held)
