"""C27 and C28 on WSGI: what clients and servers do wrong with an input and with an answer."""

from __future__ import annotations

import io
from typing import Any

import pytest

from batchware import wsgi
from tests.contract.batching import BatchAnswer, batch_body
from tests.contract.small_apps import Closing, eventually, started
from tests.faults.play import FULL, HEADERS
from tests.hosts.clients import send as send_request
from tests.hosts.response import prepare
from tests.hosts.wsgi_client import build_environ

BODY = batch_body(FULL)


class _Handlers:
    """What ran, and what it saw."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.closed: list[str] = []

    def wsgi(self, **options: Any) -> Any:
        def app(environ: Any, start_response: Any) -> Any:
            self.ran.append("quick")
            return Closing(started(start_response), lambda: self.closed.append("closed"))

        return wsgi.BatchMiddleware(app, max_actions=3, max_pending=3, **options)


# --- the way in


class _Raising(io.BytesIO):
    """Gives nine bytes and raises then, as a socket does that was reset or timed out."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= 9:
            raise TimeoutError("timed out")
        return super().read(9)


def _environ(stream: Any, **extra: Any) -> dict[str, Any]:
    environ = build_environ(prepare("POST", "/batch", HEADERS, BODY, ("testserver", 80), "http"))
    return {**environ, "wsgi.input": stream, **extra}


def _is_at_rest(handlers: _Handlers, app: Any) -> bool:
    handlers.ran.clear()
    return eventually(lambda: _post(app).status == 200) and handlers.ran == ["quick"] * 3


def _post(app: Any) -> BatchAnswer:
    return BatchAnswer(send_request(app, "wsgi", "POST", "/batch", headers=HEADERS, body=BODY))


def test_c28_an_input_that_raises_leaves_the_batch_as_it_leaves_any_application() -> None:
    handlers = _Handlers()
    app = handlers.wsgi()
    with pytest.raises(TimeoutError, match="timed out"):
        app(_environ(_Raising(BODY)), lambda *_: None)
    assert handlers.ran == []
    assert _is_at_rest(handlers, app)


@pytest.mark.parametrize(
    ("stream", "length", "message"),
    [
        pytest.param(BODY[:9], str(len(BODY)), f"The body ended after 9 of {len(BODY)} bytes.", id="short"),
        pytest.param(b"", str(len(BODY)), f"The body ended after 0 of {len(BODY)} bytes.", id="nothing"),
        pytest.param(
            BODY, str(len(BODY) + 1), f"The body ended after {len(BODY)} of {len(BODY) + 1} bytes.", id="one less"
        ),
    ],
)
def test_c28_a_body_that_is_shorter_than_its_length_runs_nothing(stream: bytes, length: str, message: str) -> None:
    handlers = _Handlers()
    app = handlers.wsgi()
    answer = send_request(
        app, "wsgi", "POST", "/batch", headers=HEADERS, body=BODY,
        environ_extra={"wsgi.input": io.BytesIO(stream), "CONTENT_LENGTH": length},
    )  # fmt: skip
    assert (answer.status, BatchAnswer(answer).message) == (400, message)
    assert handlers.ran == []
    assert _is_at_rest(handlers, app)


def test_c4_what_stands_in_the_input_past_the_length_is_not_read() -> None:
    # It may be the next request of the connection.
    handlers = _Handlers()
    stream = io.BytesIO(BODY + b"POST /batch HTTP/1.1")
    environ = _environ(stream, CONTENT_LENGTH=str(len(BODY)))
    del environ["wsgi.input_terminated"]
    started_with: list[str] = []
    iterable = handlers.wsgi()(environ, lambda status, *_: started_with.append(status))
    assert started_with == ["200 OK"]
    assert stream.tell() == len(BODY)
    iterable.close()


# --- the way out


def _never_iterates(iterable: Any) -> None:
    iterable.close()


def _stops_half_way(iterable: Any) -> None:
    next(iter(iterable))
    iterable.close()


def _iterates_after_close(iterable: Any) -> None:
    iterable.close()
    assert b"".join(iterable).startswith(b'{"data":')


def _closes_twice(iterable: Any) -> None:
    assert len(list(iterable)) == 1
    iterable.close()
    iterable.close()


def _iterates_twice(iterable: Any) -> None:
    assert list(iterable) == list(iterable)
    iterable.close()


@pytest.mark.parametrize(
    "server",
    [_never_iterates, _stops_half_way, _iterates_after_close, _closes_twice, _iterates_twice],
    ids=lambda server: server.__name__.strip("_").replace("_", " "),
)
@pytest.mark.parametrize(
    "options", [{"threads": 0}, {}, {"action_timeout": 60.0}], ids=["one thread", "all", "helpers"]
)
def test_c27_whatever_the_server_does_with_the_answer_each_action_is_closed_once(server: Any, options: Any) -> None:
    handlers = _Handlers()
    app = handlers.wsgi(**options)
    server(app(_environ(io.BytesIO(BODY)), lambda *_: None))
    assert eventually(lambda: len(handlers.closed) == 3)
    assert handlers.ran == ["quick"] * 3
    assert _is_at_rest(handlers, app)
    assert eventually(lambda: len(handlers.closed) == 6)


@pytest.mark.parametrize("error", [OSError("reset"), SystemExit()], ids=repr)
def test_c27_a_start_response_that_raises_leaves_no_response_unclosed(error: BaseException) -> None:
    handlers = _Handlers()
    app = handlers.wsgi(threads=0)

    def start_response(*_: Any) -> None:
        raise error

    with pytest.raises(type(error)):
        app(_environ(io.BytesIO(BODY)), start_response)
    assert handlers.closed == ["closed"] * 3
    assert _is_at_rest(handlers, app)
