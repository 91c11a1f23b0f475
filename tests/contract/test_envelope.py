"""C5, C6: what a batch and its answer are wrapped in, and how many actions a batch has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.batching import action, bare_door, batch_body, every_host, post_batch, wrap
from tests.contract.spies import Spy
from tests.hosts import Host

RESULT = {"status_code": 200, "headers": {}, "body": {"handler": "/tasks/{id}", "method": "GET", "id": "1"}}


@every_host
@pytest.mark.parametrize(
    ("envelope", "batch", "answer"),
    [
        pytest.param("data", {"data": {"actions": [action()]}}, {"data": [RESULT]}, id="data"),
        pytest.param(None, {"actions": [action()]}, {"results": [RESULT]}, id="none"),
    ],
)
def test_c5_the_answer_has_the_envelope_of_the_batch(host: Host, envelope: str | None, batch: Any, answer: Any) -> None:
    app = wrap(host, envelope=envelope)
    assert post_batch(app, host, body=json.dumps(batch).encode()).json == answer


@bare_door
def test_c5_data_is_the_default(host: Host) -> None:
    assert post_batch(wrap(host), host, body=b'{"data": {"actions": [%b]}}' % json.dumps(action()).encode()).json == {
        "data": [RESULT]
    }


@bare_door
@pytest.mark.parametrize(
    ("envelope", "batch"),
    [
        pytest.param("data", {"x": [1], "data": {"actions": [action()]}, "actions": []}, id="beside data"),
        pytest.param("data", {"data": {"data": 1, "actions": [action()], "options": None}}, id="beside actions"),
        pytest.param(None, {"data": None, "actions": [action()], "x": {}}, id="where no data is"),
        pytest.param(None, {"inner": {"actions": []}, "actions": [action()]}, id="of any name"),
    ],
)
def test_c5_other_members_are_ignored(host: Host, envelope: str | None, batch: Any) -> None:
    answer = post_batch(wrap(host, envelope=envelope), host, body=json.dumps(batch).encode())
    assert answer.results == [RESULT]


_ACTIONS = [action()]


@bare_door
@pytest.mark.parametrize(
    ("envelope", "batch"),
    [
        pytest.param("data", _ACTIONS, id="the actions alone"),
        pytest.param("data", {"actions": _ACTIONS}, id="no data"),
        pytest.param("data", {"data": _ACTIONS}, id="data is a list"),
        pytest.param("data", {"data": None}, id="data is null"),
        pytest.param("data", {"data": json.dumps({"actions": _ACTIONS})}, id="data is a string"),
        pytest.param("data", {"data": {}}, id="data without actions"),
        pytest.param("data", {"data": {"Actions": _ACTIONS}}, id="actions in another case"),
        pytest.param("data", {"data": {"actions": _ACTIONS[0]}}, id="actions is an object"),
        pytest.param("data", {"data": {"actions": None}}, id="actions is null"),
        pytest.param("data", {"data": {"actions": "/tasks"}}, id="actions is a string"),
        pytest.param("data", {"data": {"actions": 1}}, id="actions is a number"),
        pytest.param("data", "data", id="a string"),
        pytest.param("data", None, id="null"),
        pytest.param(None, {"data": {"actions": _ACTIONS}}, id="data where none is"),
        pytest.param(None, _ACTIONS, id="the actions alone where no data is"),
        pytest.param(None, {"actions": {}}, id="actions is an object where no data is"),
    ],
)
def test_c5_any_other_form_is_400(host: Host, envelope: str | None, batch: Any) -> None:
    spy = Spy(host.door)
    answer = post_batch(wrap(spy, envelope=envelope), spy, body=json.dumps(batch).encode())
    assert answer.status == 400
    assert '"actions": [...]' in answer.message
    assert not spy.seen


@bare_door
def test_c6_a_batch_has_1_to_10_actions(host: Host) -> None:
    app = wrap(host)
    assert post_batch(app, host, [action()]).statuses == [200]
    assert post_batch(app, host, [action()] * 10).statuses == [200] * 10
    for actions in ([], [action()] * 11):
        refused = post_batch(app, host, actions)
        assert refused.status == 400
        assert "1 to 10" in refused.message


@bare_door
@pytest.mark.parametrize("most", [1, 3, 25])
def test_c6_max_actions_says_how_many(host: Host, most: int) -> None:
    app = wrap(host, max_actions=most)
    assert post_batch(app, host, [action()] * most).statuses == [200] * most
    assert post_batch(app, host, [action()] * (most + 1)).status == 400


@bare_door
@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(action(), id="good"),
        pytest.param(1, id="no action"),
        pytest.param(action("nonsense"), id="of a bad path"),
        pytest.param(action("/batch"), id="refused"),
    ],
)
def test_c6_too_many_actions_are_not_looked_at(host: Host, entry: Any) -> None:
    spy = Spy(host.door)
    asked: list[str] = []
    app = wrap(spy, max_actions=2, deny=[lambda action, parent: asked.append(action.path)])
    refused = post_batch(app, host, body=batch_body([entry] * 3))
    assert refused.status == 400
    assert "1 to 2" in refused.message
    assert not asked
    assert not spy.seen
