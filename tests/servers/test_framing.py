"""How a batch comes in over a connection, and what the connection is good for afterwards (C1 to C4)."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, parse_headers
from typing import BinaryIO

import pytest

from tests.servers.kinds import SERVERS, params
from tests.servers.running import DEADLINE, JSON, LOOPBACK, Response, Running, envelope, get, read, wait_for

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
        raw.sendall(_head(f"Content-Length: {len(BATCH)}", "Expect: 100-continue", "Connection: close"))
        with raw.makefile("rb") as stream:
            assert _next_response(stream).status == 100
            raw.sendall(BATCH)
            assert _is_answer(_next_response(stream))


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


@pytest.mark.parametrize("server", params(*(server for server in SERVERS if server.pipelines)))
def test_c19_pipelined_batches_are_answered_in_order(served: Running) -> None:
    batches = [envelope(get("/tasks"), get("/batches")), envelope(get("/batches"), get("/tasks"))] * 2
    with socket.create_connection((LOOPBACK, served.port), DEADLINE) as raw:
        raw.sendall(b"".join(_head(f"Content-Length: {len(batch)}") + batch for batch in batches))
        with raw.makefile("rb") as stream:
            answers = [_next_response(stream).json["data"] for _ in batches]
    handlers = [[result["body"]["handler"] for result in results] for results in answers]
    assert handlers == [["/tasks", "/batches"], ["/batches", "/tasks"]] * 2


@EVERY_SERVER
def test_c4_a_client_that_goes_away_while_it_sends_leaves_nothing_behind(served: Running) -> None:
    before = served.settled(places=0)
    for sent in (0, 1, len(BATCH) // 2):
        with socket.create_connection((LOOPBACK, served.port), DEADLINE) as raw:
            raw.sendall(_head(f"Content-Length: {len(BATCH)}") + BATCH[:sent])
    assert _is_answer(served.batch(get("/tasks"), get("/batches")))

    def settled() -> bool:
        census = served.census()
        return all(census[kind] <= before[kind] for kind in ("descriptors", "tasks"))

    wait_for("descriptors and tasks as before", settled)
    # Only the whole batch reached the handlers.
    assert served.census()["seen"] == before["seen"] + 2
    assert "batchware" not in served.log()


def _head(*headers: str) -> bytes:
    """The head of a batch request, byte for byte."""
    lines = ("POST /batch HTTP/1.1", "Host: testserver", "Content-Type: application/json", *headers, "", "")
    return "\r\n".join(lines).encode()


def _next_response(stream: BinaryIO) -> Response:
    """The next response of a connection, final or not; the answers to batches name their length (C19)."""
    status = int(stream.readline().split()[1])
    headers = parse_headers(stream)
    return Response(status, headers, stream.read(int(headers.get("content-length", "0"))))
