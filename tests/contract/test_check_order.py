"""C2: the checks of a batch run in one order, the first that fails answers, and nothing is replayed before the last."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchware import BatchConfig, NotAuthorized, Parent
from batchware.contract.errors import Overloaded
from batchware.contract.flow import Admit, Authorize, ReadBody, Replay, batch
from batchware.contract.model import Reply
from tests.contract.batching import action, bare_door, batch_body, wrap
from tests.contract.spies import Spy
from tests.hosts import Host
from tests.hosts.clients import send

MOST = 400
LARGE = b"{" + b" " * MOST
TOO_MANY = batch_body([action(str(index), "bogus") for index in range(3)])


def _refuse(parent: Parent) -> str:
    raise NotAuthorized("Log in.", status=403)


def _let_in(parent: Parent) -> str:
    return "someone"


JSON = ("Content-Type", "application/json")
TEXT = ("Content-Type", "text/plain")
CHUNKED = ("Transfer-Encoding", "chunked")


# Each request fails in the check that it is named for and, where it can, in all that come after it.
@bare_door
@pytest.mark.parametrize(
    ("method", "headers", "authorize", "body", "status", "says"),
    [
        pytest.param("PUT", [TEXT], _refuse, LARGE, 405, "POST", id="the method"),
        pytest.param("POST", [TEXT], _refuse, LARGE, 415, "Content-Type", id="the media type"),
        pytest.param("POST", [JSON], _refuse, LARGE, 413, "400 bytes", id="the declared size"),
        pytest.param("POST", [JSON, CHUNKED], _refuse, LARGE, 403, "Log in.", id="authorization"),
        pytest.param("POST", [JSON, CHUNKED], _let_in, LARGE, 413, "400 bytes", id="the size while reading"),
        pytest.param("POST", [JSON], _let_in, b"[" + TOO_MANY, 400, "not JSON", id="JSON"),
        pytest.param("POST", [JSON], _let_in, b'{"data": {"action": [1, 2, 3]}}', 400, "actions", id="the envelope"),
        pytest.param("POST", [JSON], _let_in, TOO_MANY, 400, "1 to 2", id="the number of actions"),
    ],
)
def test_c2_the_first_check_that_fails_answers(
    host: Host, method: str, headers: Any, authorize: Any, body: bytes, status: int, says: str
) -> None:
    spy = Spy(host.door)
    app = wrap(spy, authorize=authorize, max_actions=2, max_body_bytes=MOST)
    response = send(app, host.door, method, "/batch", headers=headers, body=body)
    assert response.status == status
    (error,) = response.json()["errors"]
    assert says in error["message"]
    assert not spy.seen


class _Driven:
    """The flow of one batch, each effect answered by hand; `effects` are the names of what it asked for."""

    def __init__(self, body: bytes, *, method: str = "POST", fail: dict[type, Exception] | None = None) -> None:
        config = BatchConfig(authorize=_let_in, max_actions=2, cors="off")
        headers = [("content-type", "application/json")]
        parent = Parent(method, "/batch", "", "http", headers, None, {})
        answers: dict[type, Any] = {Authorize: "someone", ReadBody: body, Admit: None}
        self.effects: list[str] = []
        flow = batch(config, parent, "")
        try:
            effect = next(flow)
            while True:
                self.effects.append(type(effect).__name__)
                if error := (fail or {}).get(type(effect)):
                    effect = flow.throw(error)
                elif isinstance(effect, Replay):
                    return
                else:
                    effect = flow.send(answers[type(effect)])
        except StopIteration as stop:
            self.reply: Reply = stop.value


def test_c2_a_batch_is_read_after_authorization_and_runs_after_admission() -> None:
    assert _Driven(batch_body([action()])).effects == ["Authorize", "ReadBody", "Admit", "Replay"]


def test_c2_overload_comes_after_the_number_of_actions_and_before_any_of_them() -> None:
    overload = {Admit: Overloaded()}
    refused = _Driven(batch_body([action()] * 2), fail=overload)
    assert (refused.reply.status, refused.effects) == (503, ["Authorize", "ReadBody", "Admit"])
    for body in (batch_body([action()] * 3), batch_body([]), b"{}", b"{"):
        invalid = _Driven(body, fail=overload)
        assert (invalid.reply.status, invalid.effects) == (400, ["Authorize", "ReadBody"])


def test_c2_a_refused_authorization_leaves_the_body_unread() -> None:
    refused = _Driven(b"", fail={Authorize: NotAuthorized("Log in.")})
    assert (refused.reply.status, refused.effects) == (401, ["Authorize"])
    assert json.loads(refused.reply.body) == {"errors": [{"message": "Log in."}]}


def test_c2_a_wrong_method_asks_nobody_anything() -> None:
    refused = _Driven(b"", method="PUT")
    assert (refused.reply.status, refused.effects) == (405, [])
