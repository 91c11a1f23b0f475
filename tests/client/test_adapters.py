"""Every HTTP client that the senders take, on real servers: what works, and what each mishap is taken for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchware.client import Action, AsyncSender, NotSent, Report, Sender
from tests.client.clients import every_client, report
from tests.client.conftest import Served
from tests.client.mishaps import ANSWERS, CLOSES, CUTS, HANGS, LATER, REDIRECTS, mishaps
from tests.servers.running import LOOPBACK, free_port

BOTH = (Action("get", "/read"), Action("post", "/write", {"a": 1}))


def states(report: Report) -> list[str]:
    return [outcome.state.value for outcome in report.outcomes]


@every_client
def test_each_action_gets_its_own_result_in_order(package: str, kind: str, served: Served) -> None:
    tasks = served.sample.tasks
    actions = [Action("get", f"/tasks/{tasks[number % len(tasks)]}") for number in range(45)]
    actions[7] = Action("get", "/nowhere")
    actions[23] = Action("post", "/tasks", {"name": "sent in a batch: é"})
    results = report(package, kind, served.url, actions, headers=served.headers).results
    assert [result.action for result in results] == actions
    assert [result.status for result in results] == [
        {7: 404, 23: 201}.get(number, 200) for number in range(len(actions))
    ]
    got = [result.body["data"]["gid"] for number, result in enumerate(results) if number not in (7, 23)]
    assert got == [action.path.rpartition("/")[2] for number, action in enumerate(actions) if number not in (7, 23)]
    assert json.loads(results[23].content)["data"]["name"] == "sent in a batch: é"


@every_client
def test_without_credentials_nothing_is_done_and_it_says_so(package: str, kind: str, served: Served) -> None:
    found = report(package, kind, served.url, BOTH)
    assert states(found) == ["not done", "not done"]
    assert str(found.outcomes[1].error) == "POST /write: not done: the batch got 401: Not Authorized"


@every_client
def test_a_connection_that_is_refused_is_known_not_to_have_been_used(package: str, kind: str) -> None:
    found = report(package, kind, f"http://{LOOPBACK}:{free_port()}/batch", BOTH, attempts=1)
    assert states(found) == ["not done", "not done"]
    error = found.outcomes[0].error
    assert error
    assert isinstance(error.__cause__, NotSent)


@every_client
@pytest.mark.parametrize("mishap", [CLOSES, CUTS, HANGS])
def test_a_read_is_sent_again_and_a_write_is_not(package: str, kind: str, mishap: str) -> None:
    """By nobody: a client that sent a POST again by itself would show here."""
    with mishaps(mishap, ANSWERS) as server:
        found = report(package, kind, server.url, BOTH, timeout=0.5 if mishap == HANGS else 30.0)
    assert states(found) == ["done", "unknown"]
    assert [len(actions) for actions in server.received] == [2, 1]


@every_client
def test_a_batch_with_a_key_is_sent_again_as_it_was(package: str, kind: str) -> None:
    with mishaps(CLOSES, LATER, ANSWERS) as server:
        found = report(package, kind, server.url, BOTH, idempotency_key="once")
    assert states(found) == ["done", "done"]
    assert server.received == [server.received[0]] * 3


@every_client
def test_a_redirect_is_not_followed(package: str, kind: str) -> None:
    with mishaps(REDIRECTS) as server:
        found = report(package, kind, server.url, BOTH)
    assert (states(found), len(server.received)) == (["not done", "not done"], 1)
    assert "a redirect to /elsewhere" in str(found.outcomes[0].error)


@every_client
@pytest.mark.parametrize("url", ["no url", "/batch", "http://", "ldap://127.0.0.1/batch"])
def test_a_url_that_is_none_sends_nothing(package: str, kind: str, url: str) -> None:
    found = report(package, kind, url, [BOTH[1]] * 30)
    assert states(found) == ["not done"] * 30


@pytest.mark.parametrize("sender", [Sender, AsyncSender])
@pytest.mark.parametrize("client", [None, object(), "httpx"])
def test_what_is_no_client_is_refused(sender: Any, client: Any) -> None:
    with pytest.raises(TypeError, match="client: must be one of httpx2, httpx"):
        sender(client, "http://127.0.0.1/batch")
