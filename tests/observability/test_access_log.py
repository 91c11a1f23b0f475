"""AccessLog: one line for each action, that leads to its batch and holds nothing that a log must not."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from batchware import Action, Parent
from batchware.access_log import AccessLog, action_id, request_id
from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.hosts import Host

LINE = re.compile(r'(\S+)\.(\d+) (\S+) "(\S+) (\S+)" (\d{3}) (\d+) (\d+\.\d{3})')


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a host does to the root logger: Litestar takes its handlers away."""
    logger = logging.getLogger("batchware.access")
    logger.addHandler(caplog.handler)
    logger.propagate = False
    yield
    logger.propagate = True
    logger.removeHandler(caplog.handler)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "batchware.access"]


@every_host
def test_each_action_has_one_line_in_the_order_of_the_batch(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "batchware.access")
    sent = [action("/api/1.0/tasks/1"), "nothing", action("/scim/v2", "post"), action("/nowhere", "delete")]
    answer = post_batch(wrap(host, hooks=[AccessLog()]), host, sent, headers={"X-Request-ID": "7f3c"})
    found = [match.groups() for line in lines(caplog) if (match := LINE.fullmatch(line))]
    assert [(id, index, *rest[1:4]) for id, index, *rest in found] == [
        ("7f3c", "0", "GET", "/api/1.0/tasks/1", "200"),
        ("7f3c", "1", "-", "-", "400"),
        ("7f3c", "2", "POST", "/scim/v2", "400"),
        ("7f3c", "3", "DELETE", "/nowhere", str(answer.statuses[3])),
    ]
    assert len(lines(caplog)) == 4


@bare_door
def test_the_parts_of_a_line_are_attributes_of_its_record(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    app = wrap(host, hooks=[AccessLog(logging.getLogger("mine"))], path="/api/1.0/batch")
    post_batch(app, host, [action("/raise")], path="/api/1.0/batch", headers={"X-Request-ID": "r"})
    (record,) = [record for record in caplog.records if record.name == "mine"]
    parts = {name: getattr(record, name) for name in ("request_id", "batch_id", "method", "path", "status", "error")}
    assert parts == {
        "request_id": "r.0", "batch_id": "r", "method": "GET", "path": "/api/1.0/raise", "status": 500,
        "error": "HandlerFailed",
    }  # fmt: skip


@bare_door
@pytest.mark.parametrize("given", [None, "", "two words", "a\x0bb", "x" * 129, '"quoted"', "\u00e9"], ids=ascii)
def test_an_id_that_is_not_fit_for_a_log_is_replaced_by_one_that_is(
    host: Host, given: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "batchware.access")
    headers = {} if given is None else {"X-Request-ID": given}
    post_batch(wrap(host, hooks=[AccessLog()]), host, [action(), action()], headers=headers)
    ids = [line.split(" ")[0] for line in lines(caplog)]
    assert re.fullmatch(r"[0-9a-f]{16}\.0", ids[0])
    assert ids[1] == ids[0][:-1] + "1", "one id for the batch"


@bare_door
def test_no_line_can_be_forged_and_none_holds_a_query(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "batchware.access")
    sent = [action('/tasks/%22%E2%80%A8%20x"', data={"token": "hush"}), action("/" + "y" * 900)]
    post_batch(wrap(host, hooks=[AccessLog()]), host, sent, headers={"Authorization": "hush"})
    first, second = lines(caplog)
    assert '"GET /tasks/%22%E2%80%A8%20x%22"' in first
    assert LINE.fullmatch(first)
    assert "hush" not in first
    assert len(second) < 300


@bare_door
def test_a_log_that_is_off_costs_no_line(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "batchware.access")
    post_batch(wrap(host, hooks=[AccessLog()]), host, [action()])
    assert lines(caplog) == []


def test_hooks_can_ask_for_the_ids() -> None:
    parent = Parent("POST", "/batch", "", "http", [("x-request-id", "7f3c")], None, {})
    assert (request_id(parent), action_id(Action(3), parent)) == ("7f3c", "7f3c.3")
