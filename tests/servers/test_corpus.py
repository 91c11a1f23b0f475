"""The corpus of batches that try to get past the checks, over real servers: one framework of each door on all of them.

What a server makes of a request's head comes before all checks: some drop header fields that others pass on, and some
answer for themselves. So here a case may also be refused by the server, but no denied handler may ever be reached.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from tests.contract.batching import BatchAnswer, host_named
from tests.contract.test_corpus import CORPUS, DENIED, UPLOADS, body_of, check_results
from tests.hosts.response import Response
from tests.servers.kinds import ONE_OF_EACH, Server, params, require
from tests.servers.running import Running, running


@pytest.mark.parametrize("obedient", [False, True], ids=["plain", "obedient"])
@pytest.mark.parametrize("server", params(*ONE_OF_EACH))
def test_c31_nothing_of_the_corpus_gets_past_a_server(server: Server, obedient: bool) -> None:
    """On the host that obeys headers, the header cases alone."""
    require(server)
    host = host_named("starlette" if server.door == "asgi" else "flask")
    cases = [case for case in CORPUS if (case["category"] == "header") == obedient]
    assert len(cases) > 50
    wrong: list[str] = []
    with running(server, host.id, environment={"BATCHWARE_OBEDIENT": "1"} if obedient else {}) as served:
        for case in cases:
            answer = ask(served, case)
            try:
                judge(host, answer, case)
            except (AssertionError, KeyError, TypeError, ValueError) as error:
                wrong.append(f"{case['id']} ({case['expect']}): {answer.status} {answer.body[:200]!r}: {error!r:.200}")
            reached = denied(served.census()["reached"])
            assert not reached, f"{case['id']} reached {reached}"
    assert not wrong, "\n".join(wrong)


def ask(served: Running, case: dict[str, Any]) -> Response:
    connection = served.connect()
    try:
        body = body_of(case)
        connection.putrequest("POST", "/batch", skip_accept_encoding=True)
        kind = case.get("content_type", "application/json")
        fields = [("Content-Type", kind)] if kind is not None else []
        for name, value in [*fields, *case.get("headers", ()), ("Content-Length", str(len(body)))]:
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        with suppress(BrokenPipeError, ConnectionResetError):  # refused while it was on its way: the answer is there
            connection.send(body)
        answer = connection.getresponse()
        headers = [(name.lower(), value) for name, value in answer.getheaders()]
        return Response(answer.status, headers, [answer.read()])
    finally:
        connection.close()


def judge(host: Any, answer: Response, case: dict[str, Any]) -> None:
    expect = case["expect"]
    refused_by_server = case["category"] == "header" and 400 <= answer.status < 500
    if refused_by_server and not answer.body.startswith(b'{"errors"'):
        return
    assert answer.status < 500
    if expect.startswith("whole_"):
        assert answer.status == int(expect[-3:])
        assert BatchAnswer(answer).message
    elif answer.status != 200:
        assert (expect, answer.status) == ("never_reaches_denied", 400)
    else:
        check_results(host, BatchAnswer(answer), case)


def denied(reached: list[str]) -> list[str]:
    found = [entry.split(" ", 1) for entry in reached]
    return [path for method, path in found if path in DENIED or (path in UPLOADS and method == "POST")]


def test_a_denied_handler_that_was_reached_is_seen() -> None:
    assert denied(["GET /tasks/{id}", "GET /attachments", "POST /attachments", "GET /batch"]) == [
        "/attachments",
        "/batch",
    ]


def test_an_answer_that_is_not_the_expected_one_is_seen() -> None:
    case = next(case for case in CORPUS if case["expect"] == "whole_400")
    with pytest.raises(AssertionError):
        judge(host_named("flask"), Response(200, [], [b'{"data": []}']), case)
