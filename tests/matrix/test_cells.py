"""The fixed set of batches, in every cell of the matrix: that framework, on that server, over loopback.

The last test of a cell ends its server. What a direct request gets on the same server is the measure of all (C0).
"""

from __future__ import annotations

import base64
import json
from contextlib import closing
from http.client import BadStatusLine
from typing import Any

import pytest

from tests.hosts import probe
from tests.hosts.response import Response
from tests.matrix.cells import CELLS, FEW, Cell
from tests.matrix.servers import LINGER
from tests.properties.results import check_result, expected_cookies, split_answer
from tests.servers.running import DEADLINE, JSON, Running, envelope, get, read, wait_for

pytestmark = pytest.mark.parametrize("cell", [pytest.param(cell, id=cell.id) for cell in CELLS], scope="session")

UNICODE = "Grüße, 世界 \U0001f30d".encode()


def _body(content_type: str | None, body: bytes, **more: Any) -> dict[str, Any]:
    headers = [["content-type", content_type]] if content_type else []
    return {"headers": headers, "body": base64.b64encode(body).decode(), **more}


BODIES = {
    "JSON": _body("application/json", b'{"big": 12345678901234567890, "float": 1.10, "text": "\\u00e9"}'),
    "JSON by suffix, unicode": _body("application/problem+json", b'["' + UNICODE + b'"]', status=422),
    "text": _body("text/plain; charset=utf-8", b'"quoted"\r\n\x0b</script>'),
    "text, unicode": _body("text/csv; charset=utf-8", UNICODE),
    "binary": _body("application/octet-stream", bytes(range(256))),
    "empty": _body("text/plain", b"", status=202),
    "no content": _body(None, b"", status=204),
    "stream": _body("text/plain; charset=utf-8", UNICODE * 20, chunks=7),
    "stream of JSON": _body("application/json", b'{"rows": [' + b"1, " * 100 + b"1]}", chunks=3),
    "redirect": _body("text/plain", b"there", status=302) | {"headers": [["location", "/elsewhere"]]},
}


def _respond(spec: dict[str, Any]) -> dict[str, Any]:
    """An action that is answered as `spec` says."""
    return {**get("/respond"), "data": {"spec": probe.encode_spec(spec)}}


def _directly(served: Running, method: str, target: str, body: bytes | None = None, **headers: str) -> Response:
    answer = served.request(method, target, body, **headers)
    fields = [(name.lower(), value) for name, value in answer.headers.items()]
    return Response(answer.status, fields, [answer.body], synthetic=False, complete=True)


def _batch(served: Running, *actions: dict[str, Any], **headers: str) -> tuple[list[dict[str, Any]], Any]:
    answer = served.request("POST", "/batch", envelope(*actions), **JSON, **headers)
    assert answer.status == 200, answer.body
    return answer.json["data"], answer


def _statuses(served: Running, *actions: dict[str, Any]) -> list[int]:
    return [result["status_code"] for result in _batch(served, *actions)[0]]


def test_c18_ten_actions_wait_for_each_other(served: Running) -> None:
    """Four of them in handlers that are plain functions, where the framework runs such in threads."""
    together = [{**get("/gate/all"), "data": {"n": 6}}] * 6 + [{**get("/gate-sync/few"), "data": {"n": 4}}] * 4
    assert _statuses(served, *together) == [200] * 10


def test_c21_bodies_of_every_kind_are_those_of_direct_requests(served: Running) -> None:
    """And so are statuses and headers, but for what stands in no result."""
    _, answer = _batch(served, *map(_respond, BODIES.values()))
    for spec, result, raw in zip(BODIES.values(), *split_answer(answer.body), strict=True):
        check_result(result, raw, _directly(served, "GET", f"/respond?spec={probe.encode_spec(spec)}"), "GET")


# What differs between a batch and a request of its own: who speaks of the body and the connection.
OWN = {"content-type", "content-length", "accept-encoding", "connection"}


def _shown(echo: dict[str, Any]) -> dict[str, Any]:
    return {**echo, "headers": {name: value for name, value in echo["headers"].items() if name not in OWN}}


def test_c14_data_of_every_kind_arrives_as_with_direct_requests(served: Running) -> None:
    data = b'{"big": 12345678901234567890, "float": 1.10, "escaped": "\\u00e9", "plain": "' + UNICODE + b'"}'
    path, query = "/echo/caf%C3%A9%20(1)", {"a": "1 +&=", "b": "日本"}
    batch = (
        b'{"data": {"actions": [{"method": "post", "relative_path": "%s", "data": %s},'
        b'{"method": "get", "relative_path": "%s", "data": %s}, {"method": "delete", "relative_path": "/echo"}]}}'
    ) % (path.encode(), data, path.encode(), json.dumps(query).encode())
    answer = served.request("POST", "/batch", batch, **JSON, X_Thing="Grüße".encode().decode("latin-1"))
    posted, got, deleted = (result["body"] for result in answer.json["data"])
    thing = {"X_Thing": "Grüße".encode().decode("latin-1")}
    body = b'{"data":' + data + b"}"
    assert base64.b64decode(posted["body"]) == body
    assert _shown(posted) == _shown(_directly(served, "POST", path, body, **JSON, **thing).json())
    spelled = "?a=1%20%2B%26%3D&b=%E6%97%A5%E6%9C%AC"
    assert _shown(got) == _shown(_directly(served, "GET", path + spelled, **thing).json())
    assert _shown(deleted) == _shown(_directly(served, "DELETE", "/echo", **thing).json())


def test_c24_cookies_go_to_every_action_and_come_back_with_the_answer(served: Running) -> None:
    setting = [
        {"headers": [["set-cookie", f"{name}=1; Path=/; HttpOnly"], ["set-cookie", "same=0; Path=/"]], "status": 204}
        for name in ("first", "second")
    ]
    results, answer = _batch(served, get("/echo"), *map(_respond, setting), Cookie="a=1; b=two")
    assert results[0]["body"]["cookies"] == {"a": "1", "b": "two"}
    assert all("set-cookie" not in result["headers"] for result in results)
    direct = [_directly(served, "GET", f"/respond?spec={probe.encode_spec(spec)}") for spec in setting]
    expected = expected_cookies([("/respond", response) for response in direct])
    assert [value.strip() for value in answer.headers.get_all("set-cookie")] == expected
    assert len(expected) == 3


def test_c26_a_handler_that_raises_harms_no_other(served: Running) -> None:
    actions = [get("/tasks"), get("/raise"), get("/no-such-route"), {"method": "brew"}, get("/tasks/7")]
    results, _ = _batch(served, *actions)
    assert [result["status_code"] for result in results] == [200, 500, 404, 400, 200]
    assert results[0]["body"] == {"handler": "/tasks", "method": "GET", "id": None}
    assert results[4]["body"] == {"handler": "/tasks/{id}", "method": "GET", "id": "7"}
    assert probe.SECRET not in json.dumps(results)


def test_c36_a_batch_beyond_a_limit_is_429_and_nothing_of_it_runs(served: Running) -> None:
    """What is left can still be spent: to the last by a batch, beyond that by nobody, batched or direct."""
    assert _statuses(served, *[get("/users/1")] * (FEW - 2)) == [200] * (FEW - 2)
    before = served.census()["seen"]
    refused = served.batch(*[get("/users/1")] * 3, get("/tasks"))
    assert (refused.status, list(refused.json)) == (429, ["errors"])
    assert int(refused.headers["retry-after"]) > 0
    assert served.census()["seen"] == before
    assert _statuses(served, *[get("/users/1")] * 2) == [200, 200]
    assert served.request("GET", "/users/1").status == 429
    assert _statuses(served, get("/tasks")) == [200]


def test_c28_a_client_that_goes_away_leaves_nothing_behind(cell: Cell, served: Running) -> None:
    """Handlers of the framework among what it leaves, where somebody else can be served to let them go.

    On ASGI each action sees the client go.
    """
    before, logged = served.settled(places=0), len(served.log())
    served.hold()
    watching = 2 if cell.server.door == "asgi" else 0
    gates = 0 if cell.server.single else 2
    waiting = [*[{**get("/gate/gone"), "data": {"n": 9}}] * gates, *[get("/until-gone")] * watching, get("/held")]
    with closing(served.connect()) as connection:
        connection.request("POST", "/batch", envelope(*waiting), JSON)
        served.held()
        if not cell.server.single:
            served.settled(places=len(waiting))
    if watching:
        served.settled(gone=before["gone"] + watching, finished=before["finished"])
    served.release()
    if gates:
        wait_for("all let go", lambda: served.request("GET", "/gate/gone?n=1") and not served.census()["places"])
    after = served.settled(places=0, finished=before["finished"] + 1, gone=before["gone"] + watching)
    assert after["pid"] == before["pid"]
    assert _statuses(served, get("/tasks")) == [200]
    assert "batchware" not in served.log()[logged:]


def test_c27_a_batch_in_flight_at_sigterm_is_answered_whole_or_not_at_all(cell: Cell, served: Running) -> None:
    """Whole, where the server completes what it has begun. The cell's server ends here."""
    served.hold()
    with closing(served.connect()) as connection:
        connection.request("POST", "/batch", envelope(get("/held"), get("/tasks")), JSON)
        served.held()
        served.process.terminate()
        served.release()
        try:
            answer: Any = read(connection)
        except (ConnectionError, BadStatusLine):  # not a byte of it; half of it is an `IncompleteRead`
            answer = None
    if answer is not None or cell.server.drains:
        assert answer is not None, f"no answer from {cell.server.id}"
        handlers = [{"held": True}, {"handler": "/tasks", "method": "GET", "id": None}]
        assert [result["body"] for result in answer.json["data"]] == handlers
    if cell.server.id not in LINGER:
        wait_for("the end of the server", lambda: served.process.poll() is not None, DEADLINE)
