"""`server_timing`: the time of each action, where a browser's developer tools look for it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from batchware import Action, BatchConfig, Outcome
from batchware.contract.flight import Record
from batchware.contract.timing import timing_fields
from tests.contract.batching import BatchAnswer, action, bare_door, every_host, post_batch, wrap
from tests.hosts import Host

ENTRY = re.compile(r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+);desc="([^"\\]*)";dur=(\d+\.\d)""")


def entries(answer: BatchAnswer) -> list[tuple[str, str, float]]:
    (value,) = answer.all("server-timing")
    found = [ENTRY.fullmatch(entry) for entry in value.split(", ")]
    assert all(found), value
    return [(entry[1], entry[2], float(entry[3])) for entry in found if entry]


@every_host
def test_each_action_has_an_entry(host: Host) -> None:
    sent = [action("/sleep/50"), action("/nowhere", "post", data={}), action("/scim"), 5]
    answer = post_batch(wrap(host, server_timing=True), host, sent)
    (slow, other, *refused) = entries(answer)
    assert (slow[0], slow[1], slow[2] >= 50) == ("a0", "GET 200", True)
    assert other[:2] == ("a1", f"POST {answer.statuses[1]}")
    assert refused == [("a2", "refused 400", 0.0), ("a3", "refused 400", 0.0)]


@bare_door
@pytest.mark.parametrize("options", [{}, {"server_timing": False}], ids=["not asked for", "off"])
def test_without_being_asked_for_there_is_none(host: Host, options: dict[str, Any]) -> None:
    assert post_batch(wrap(host, **options), host, [action()]).header("server-timing") is None


@bare_door
def test_it_holds_no_path_and_no_more_than_2_kib(host: Host) -> None:
    app = wrap(host, server_timing=True, max_actions=1000, max_pending=1000)
    answer = post_batch(app, host, [action("/tasks/hush", "delete")] * 1000)
    found = entries(answer)
    assert [name for name, *_ in found] == [*(f"a{index}" for index in range(50)), "rest"]
    assert found[-1][1] == "the slowest of 950 more"
    (value,) = answer.all("server-timing")
    assert "hush" not in value
    assert len(value) <= 2048


def test_it_is_in_milliseconds() -> None:
    records = [Record(Action(0, "GET", "/x"), outcome=Outcome(200, (), b"", None, seconds)) for seconds in (1.25, 0.0)]
    assert timing_fields(records) == [("server-timing", 'a0;desc="GET 200";dur=1250.0, a0;desc="GET 200";dur=0.0')]


@bare_door
def test_a_batch_that_is_refused_has_none(host: Host) -> None:
    assert post_batch(wrap(host, server_timing=True), host, []).header("server-timing") is None


def test_it_can_be_set_by_a_mapping() -> None:
    assert BatchConfig.from_mapping({"SERVER_TIMING": True}).server_timing is True
