"""That every change still has its place in the code, and each rule whose loss would be a hole has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sabotage.__main__ import changed
from tests.sabotage.changes import CHANGES, Change

BATCHWARE = Path(__file__).parents[2] / "batchware"
RULES = (3, 4, *range(9, 18), 21, 24, 26, *range(31, 35))


@pytest.mark.parametrize("change", [pytest.param(change, id=change.id) for change in CHANGES])
def test_a_change_has_its_place(change: Change) -> None:
    text = (BATCHWARE / change.file).read_text("utf-8")
    assert compile(changed(text, change), change.file, "exec")
    assert changed(text, change) != text


def test_every_rule_that_keeps_something_out_is_taken_out_once() -> None:
    assert {int(change.id[1:].split("-")[0]) for change in CHANGES} == set(RULES)
