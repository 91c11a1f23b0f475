"""A server that is told to end while a batch is in flight: the batch fares as a direct request does (C0, C27).

Most servers complete what is in flight. Where one hangs up, it hangs up on both, and what has come of an answer can't
be taken for the whole of it, since its length was said before.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from tests.servers.kinds import SERVERS, Server, params, require
from tests.servers.raw import SMALL, connected, next_response, whole
from tests.servers.running import DEADLINE, Response, Running, envelope, get, running, wait_for

Step = Callable[[Running, list[socket.socket], list[bytes]], None]

TASKS = {"handler": "/tasks", "method": "GET", "id": None}
LARGE = {"large": "x" * (3 << 20)}
EXPECT = "Expect: 100-continue"
LAST = b'  "x": 1}'  # of a body, in pieces of which it is sent last


def _send(served: Running, clients: list[socket.socket], requests: list[bytes]) -> None:
    for client, request in zip(clients, requests, strict=True):
        client.sendall(request)


def _until_held(served: Running, clients: list[socket.socket], requests: list[bytes]) -> None:
    _send(served, clients, requests)
    served.held()
    if not served.server.single:  # else nobody can ask
        served.settled(waiting=len(clients))


def _release(served: Running, clients: list[socket.socket], requests: list[bytes]) -> None:
    served.release()


def _until_half_sent(served: Running, clients: list[socket.socket], requests: list[bytes]) -> None:
    for client, request in zip(clients, requests, strict=True):
        head, _, body = request.partition(b"\r\n\r\n")
        client.sendall(head + b"\r\n\r\n")
        told = b""
        while not told.endswith(b"\r\n\r\n"):
            told += client.recv(1)
        assert told.startswith(b"HTTP/1.1 100 "), "the server has not begun to read"
        client.sendall(body[: -len(LAST)])


def _send_the_rest(served: Running, clients: list[socket.socket], requests: list[bytes]) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        _send(served, clients, [request[-len(LAST) :] for request in requests])


def _until_half_answered(served: Running, clients: list[socket.socket], requests: list[bytes]) -> None:
    _send(served, clients, requests)
    for client in clients:
        assert client.recv(SMALL, socket.MSG_PEEK).startswith(b"HTTP/1.1 200")


def _nothing(served: Running, clients: list[socket.socket], requests: list[bytes]) -> None:
    return


@dataclass(frozen=True)
class Moment:
    """A batch and a direct request that do the same, how they come to the moment, and what they do after it."""

    batch: bytes
    results: list[Any]
    direct: bytes
    before: Step
    after: Step


MOMENTS = {
    "while actions run": Moment(
        whole(envelope(get("/held"), get("/tasks"))),
        [{"held": True}, TASKS],
        b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n",
        _until_held,
        _release,
    ),
    "while a body is sent": Moment(
        whole(envelope(get("/tasks"), get("/tasks"))[:-1] + b"," + LAST, EXPECT),
        [TASKS, TASKS],
        whole(LAST * 2, EXPECT).replace(b"/batch", b"/echo", 1),
        _until_half_sent,
        _send_the_rest,
    ),
    "while an answer is sent": Moment(
        whole(envelope(get("/large"))),
        [LARGE],
        b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
        _until_half_answered,
        _nothing,
    ),
}


def _fared(client: socket.socket) -> tuple[str, Response | None]:
    """What has come to the end of the connection: a whole answer, half of one, or nothing."""
    with client.makefile("rb") as stream:
        try:
            answer = next_response(stream)
        except ConnectionResetError:
            return "hung up", None
        except AssertionError:
            return "half an answer", None
    return ("nothing", None) if answer is None else ("answered", answer)


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
@pytest.mark.parametrize("server", params(*SERVERS))
def test_c27_a_batch_in_flight_fares_as_a_direct_request_when_the_server_is_told_to_end(
    server: Server, moment: Moment
) -> None:
    """Where a server has one connection at a time, the batch is alone.

    A batch goes before, for which the helpers are started. A thread that starts another one takes over a signal which
    comes in that moment (pthread_create blocks signals and lets them in again, and it is the first to be let in), and
    CPython doesn't wake its main thread out of a lock then: of 40 processes that wait in `Event.wait()` while a thread
    starts others, and are told to end, 7 never end on 3.11 and 3.12, and 2 on 3.13. granian's main thread waits so.
    """
    require(server)
    requests = [moment.batch] if server.single else [moment.batch, moment.direct]
    with running(server) as served, ExitStack() as stack:
        with connected(served) as before, before.makefile("rb") as stream:
            before.sendall(whole(envelope(get("/tasks"), get("/tasks"))))
            assert next_response(stream) is not None
        clients = [stack.enter_context(connected(served, takes=SMALL)) for _ in requests]
        moment.before(served, clients, requests)
        served.process.terminate()
        moment.after(served, clients, requests)
        fared = [_fared(client) for client in clients]
        for client in clients:
            client.close()  # nor does the server wait for those that are kept alive
        wait_for("the end of the server", lambda: served.process.poll() is not None, DEADLINE)
        assert len({how for how, _ in fared}) == 1
        how, answer = fared[0]
        assert how == "answered" or not server.drains
        if answer is not None:
            assert [result["body"] for result in answer.json["data"]] == moment.results
        assert "Traceback" not in served.log()
