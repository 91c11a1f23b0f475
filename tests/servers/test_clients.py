"""What clients do wrong: gone at any step, slow, silent, without an end. The next client notices nothing (C2, C4, C28).

After each the server serves as before, nothing of a batch that did not come whole has run, nobody holds anything for
the client that is gone, and the log has no traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from socket import SHUT_WR, socket

import pytest

from tests.servers.kinds import SERVERS, Server, params
from tests.servers.raw import LAST_CHUNK, SMALL, abort, chunk, connected, head, next_response, whole
from tests.servers.running import Response, Running, envelope, get

BATCH = envelope(get("/tasks"), get("/batches"))
HALF = BATCH[: len(BATCH) // 2]
CHUNKED = head("Transfer-Encoding: chunked")
LARGE = envelope(*[get("/large")] * 5)
EVERY_SERVER = pytest.mark.parametrize("server", params(*SERVERS))

# What has been sent when the client goes away, from its first byte to the last but one.
UNFINISHED = {
    "nothing": b"",
    "some of the request line": head()[:8],
    "some of the head": head()[:60],
    "the head": head(f"Content-Length: {len(BATCH)}"),
    "a byte": whole(BATCH)[: -len(BATCH) + 1],
    "all but a byte": whole(BATCH)[:-1],
    "the head of a chunked body": CHUNKED,
    "some of a chunk": CHUNKED + chunk(BATCH)[: len(BATCH) // 2],
    "a chunk": CHUNKED + chunk(HALF),
    "all chunks but the last": CHUNKED + chunk(BATCH),
    "less than was declared": head(f"Content-Length: {len(BATCH) + 100}") + BATCH,
}
GOING: dict[str, Callable[[socket], None]] = {"closes": socket.close, "aborts": abort}


def _is_answer(response: Response | None) -> bool:
    assert response is not None
    return [result["body"]["handler"] for result in response.json["data"]] == ["/tasks", "/batches"]


@contextmanager
def _unharmed(served: Running, ran: tuple[int, ...] = (0,)) -> Iterator[None]:
    """That the block, of which as many handlers `ran` as one of these, leaves the server as it was."""
    assert _is_answer(served.batch(get("/tasks"), get("/batches")))  # what is made once is made now
    before, logged = served.at_rest(), len(served.log())
    yield
    assert _is_answer(served.batch(get("/tasks"), get("/batches")))
    after = served.at_rest(but=before)
    assert after["pid"] == before["pid"]
    assert after["seen"] - before["seen"] - 2 in ran
    log = served.log()[logged:]
    assert "Traceback" not in log, log
    assert "batchware" not in log, log


def _unfinished(server: Server) -> list[bytes]:
    """Without those that a server, as it does with direct requests, can't tell from whole ones."""
    return [sent for name, sent in UNFINISHED.items() if server.sees_cuts or name != "all chunks but the last"]


@pytest.mark.parametrize("goes", GOING.values(), ids=GOING)
@EVERY_SERVER
def test_c4_a_client_that_goes_away_while_it_sends(
    served: Running, server: Server, goes: Callable[[socket], None]
) -> None:
    with _unharmed(served):
        for sent in _unfinished(server):
            with connected(served) as raw:
                raw.sendall(sent)
                goes(raw)


@pytest.mark.parametrize("goes", GOING.values(), ids=GOING)
@EVERY_SERVER
def test_c28_a_client_that_goes_away_when_it_has_sent_all(served: Running, goes: Callable[[socket], None]) -> None:
    """The batch runs, all of it, or the server has seen the client go before, and none of it does."""
    with _unharmed(served, ran=(0, 2)), connected(served) as raw:
        raw.sendall(whole(BATCH))
        goes(raw)


@pytest.mark.parametrize("goes", GOING.values(), ids=GOING)
@EVERY_SERVER
def test_c28_a_client_that_goes_away_while_it_is_answered(served: Running, goes: Callable[[socket], None]) -> None:
    with _unharmed(served), connected(served, takes=SMALL) as raw:
        raw.sendall(whole(LARGE))
        assert raw.recv(SMALL).startswith(b"HTTP/1.1 200")
        goes(raw)


@EVERY_SERVER
def test_c4_a_client_that_closes_its_half_before_its_body_is_whole(served: Running, server: Server) -> None:
    """Nothing runs; what comes back, if anything, is a whole error, batchware's or the server's own."""
    with _unharmed(served):
        for sent in _unfinished(server):
            with connected(served) as raw:
                raw.sendall(sent)
                raw.shutdown(SHUT_WR)
                with raw.makefile("rb") as stream, suppress(ConnectionResetError):
                    answer = next_response(stream)
                    assert answer is None or answer.status >= 400
                    assert next_response(stream) is None


@pytest.mark.parametrize("framing", ["length", "chunks"])
@EVERY_SERVER
def test_c4_a_body_that_comes_byte_by_byte(served: Running, server: Server, framing: str) -> None:
    """Others are served meanwhile, where the server serves more than one."""
    pieces = [BATCH[at : at + 1] for at in range(len(BATCH))]
    start = head(f"Content-Length: {len(BATCH)}") if framing == "length" else CHUNKED
    with _unharmed(served, ran=(2 if server.single else 4,)), connected(served) as raw:
        raw.sendall(start)
        for at, piece in enumerate(pieces):
            if at == len(BATCH) // 2 and not server.single:
                assert _is_answer(served.batch(get("/tasks"), get("/batches")))
            raw.sendall(piece if framing == "length" else chunk(piece))
        raw.sendall(b"" if framing == "length" else LAST_CHUNK)
        with raw.makefile("rb") as stream:
            assert _is_answer(next_response(stream))


@EVERY_SERVER
def test_c4_a_body_that_stops_holds_up_nobody(served: Running, server: Server) -> None:
    """On a server of one connection at a time it holds up the others until its client goes, direct requests too."""
    with _unharmed(served, ran=(0 if server.single else 12,)):
        for start in (head(f"Content-Length: {len(BATCH)}") + HALF, CHUNKED + chunk(HALF)):
            with connected(served) as first, connected(served) as second, connected(served) as third:
                for raw in (first, second, third):
                    raw.sendall(start)
                if not server.single:
                    for _ in range(3):
                        assert _is_answer(served.batch(get("/tasks"), get("/batches")))


@pytest.mark.parametrize("server", params(*(server for server in SERVERS if not server.sees_cuts)))
def test_c4_where_a_batch_is_cut_unseen_a_direct_request_is_too(served: Running) -> None:
    for path, handlers in ((b"/echo", 1), (b"/batch", 2)):
        with _unharmed(served, ran=(handlers,)), connected(served) as raw:
            raw.sendall((CHUNKED + chunk(BATCH)).replace(b"/batch", path, 1))
            raw.shutdown(SHUT_WR)
            with raw.makefile("rb") as stream:
                answer = next_response(stream)
                assert answer is not None
                assert answer.status == 200


@EVERY_SERVER
def test_c4_a_chunked_body_without_an_end(served: Running) -> None:
    """Eight times what may come; a server that lets the body pass has its answer, a 413, from batchware."""
    piece = chunk(b" " * 65536)
    with _unharmed(served), connected(served) as raw, suppress(BrokenPipeError, ConnectionResetError):
        raw.sendall(CHUNKED)
        for _ in range(128):
            raw.sendall(piece)


@EVERY_SERVER
def test_c19_http_1_0_has_one_whole_answer_and_the_end(served: Running) -> None:
    for body, status in ((BATCH, 200), (b"{", 400), (envelope(get("/tasks"), get("/scim/Users")), 200)):
        with connected(served) as raw:
            raw.sendall(whole(body, version="1.0"))
            with raw.makefile("rb") as stream:
                answer = next_response(stream)
                assert answer is not None
                assert (answer.status, "content-length" in answer.headers) == (status, True)
                assert status == 200 or answer.json["errors"]
                assert stream.read() == b""


def test_half_an_answer_is_seen() -> None:
    with pytest.raises(AssertionError, match="half an answer"):
        next_response(BytesIO(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"))
