"""How a batch comes in over a connection, and what the connection is good for afterwards (C1 to C4)."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection

import pytest

from tests.servers.kinds import SERVERS, Server, params
from tests.servers.raw import head, next_response, whole
from tests.servers.running import DEADLINE, JSON, LOOPBACK, Response, Running, envelope, get, read

BATCH = envelope(get("/tasks"), get("/batches"))
EVERY_SERVER = pytest.mark.parametrize("server", params(*SERVERS))


def _is_answer(response: Response) -> bool:
    handlers = [result["body"]["handler"] for result in response.json["data"]]
    return response.status == 200 and handlers == ["/tasks", "/batches"]


def _padded(size: int) -> bytes:
    """A good batch of `size` bytes; members beside `actions` are ignored."""
    batch = {"data": {"actions": [get("/tasks"), get("/batches")], "padding": ""}}
    batch["data"]["padding"] = "x" * (size - len(json.dumps(batch)))
    return json.dumps(batch).encode()


def _post(connection: HTTPConnection, body: bytes, content_type: str = "application/json") -> Response:
    """A POST whose answer may come before the body is sent, as that to a declared size does."""
    connection.putrequest("POST", "/batch")
    connection.putheader("Content-Type", content_type)
    connection.putheader("Content-Length", str(len(body)))
    with suppress(BrokenPipeError, ConnectionResetError):  # the server hangs up on the rest; its answer is here
        connection.endheaders(body)
    return read(connection)


@EVERY_SERVER
def test_c4_a_chunked_body_is_read_to_its_end(connection: HTTPConnection) -> None:
    def pieces() -> Iterator[bytes]:
        for start in range(0, len(BATCH), 17):
            yield BATCH[start : start + 17]

    connection.request("POST", "/batch", pieces(), JSON, encode_chunked=True)
    assert _is_answer(read(connection))


@EVERY_SERVER
def test_c4_a_body_of_1_mib_is_read_and_one_byte_more_is_413(served: Running, connection: HTTPConnection) -> None:
    assert _is_answer(served.request("POST", "/batch", _padded(1 << 20), **JSON))
    assert _post(connection, _padded((1 << 20) + 1)).status == 413


@EVERY_SERVER
def test_c4_a_chunked_body_of_2_mib_is_413(served: Running, connection: HTTPConnection) -> None:
    body = _padded(2 << 20)
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", "/batch", iter([body[: 1 << 20], body[1 << 20 :]]), JSON, encode_chunked=True)
    answer = read(connection)
    assert answer.status == 413
    assert list(answer.json) == ["errors"]
    assert _is_answer(served.batch(get("/tasks"), get("/batches")))


@EVERY_SERVER
def test_c2_expect_100_continue_is_answered_before_the_body_is_sent(served: Running) -> None:
    with socket.create_connection((LOOPBACK, served.port), DEADLINE) as raw:
        raw.sendall(head(f"Content-Length: {len(BATCH)}", "Expect: 100-continue", "Connection: close"))
        with raw.makefile("rb") as stream:
            proceed = next_response(stream)
            assert proceed is not None
            assert proceed.status == 100
            raw.sendall(BATCH)
            answer = next_response(stream)
            assert answer is not None
            assert _is_answer(answer)


@EVERY_SERVER
def test_c3_a_connection_stays_in_step_through_batches_refusals_and_direct_requests(connection: HTTPConnection) -> None:
    good, unread = "application/json", False
    for content_type, body, status in [
        (good, BATCH, 200),
        ("text/plain", BATCH, 415),
        (good, BATCH, 200),
        (good, b"{", 400),
        (good, _padded((1 << 20) + 1), 413),
        (good, BATCH, 200),
        (good, BATCH, 200),
    ]:
        try:
            answer = _post(connection, body, content_type)
        except ConnectionError:
            # Some servers hang up after an answer that came before the body was read, to direct requests too.
            assert unread
            connection.close()
            answer = _post(connection, body, content_type)
        assert answer.status == status
        assert status != 200 or _is_answer(answer)
        unread = status in (413, 415)
    connection.request("GET", "/tasks")
    assert read(connection).json["handler"] == "/tasks"


@EVERY_SERVER
def test_c1_get_and_head_are_405_and_leave_the_connection_in_step(connection: HTTPConnection) -> None:
    for method in ("HEAD", "GET", "PUT", "HEAD", "DELETE"):
        connection.request(method, "/batch")
        answer = read(connection)
        assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
        assert bool(answer.body) == (method != "HEAD")
    connection.request("POST", "/batch", BATCH, JSON)
    assert _is_answer(read(connection))


@EVERY_SERVER
def test_c19_pipelined_batches_are_answered_in_order_and_each_whole(served: Running, server: Server) -> None:
    """A server that closes after each answer gives the first one whole, and nothing after it."""
    batches = [envelope(get("/tasks"), get("/batches")), envelope(get("/raise")), b"{", envelope(get("/batches"))] * 2
    with socket.create_connection((LOOPBACK, served.port), DEADLINE) as raw:
        raw.sendall(b"".join(map(whole, batches)))
        with raw.makefile("rb") as stream:
            answers = [next_response(stream) for _ in batches[: len(batches) if server.pipelines else 2]]
    statuses = [
        answer and (answer.status, [result["status_code"] for result in answer.json.get("data", ())])
        for answer in answers
    ]
    in_order = [(200, [200, 200]), (200, [500]), (400, []), (200, [200])] * 2
    assert statuses == (in_order if server.pipelines else [in_order[0], None])
