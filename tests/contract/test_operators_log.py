"""What the log tells whoever runs the host, word by word (C26, C29, C36, C41): nothing a client sent but digests."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from batchware import Action, BatchHooks, Concurrency, LimiterUnavailable, Quota, Slot
from batchware import asgi as batchware_asgi
from batchware import wsgi as batchware_wsgi
from batchware.limiters.memory import MemoryLimiter
from batchware.replay.responses import InvalidResponse
from batchware.replay.threads import Helpers
from tests.contract.batching import BARE, action, bare_door, batch_body, post_batch, wrap
from tests.contract.limited import Awaited, Down, Limited
from tests.contract.small_apps import asgi_app, eventually, reply, started, wsgi_app
from tests.hosts import Host
from tests.hosts.asgi_client import build_scope
from tests.hosts.response import prepare

ASGI, WSGI = BARE


def _said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    records = [record for record in caplog.records if record.name == "batchware" and record.levelno == level]
    return [record.getMessage() for record in records]


@bare_door
def test_c36_a_refusal_names_its_limit_and_a_digest_of_who_was_refused(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "batchware")
    limited = Limited(host, [Quota("many", 50), Quota("few", 3)])
    assert limited.batch(2, client=("192.0.2.7", 1)).status == 200
    assert limited.batch(2, client=("192.0.2.7", 1)).status == 429
    who = hashlib.sha256(b"client:192.0.2.7").hexdigest()[:12]
    assert _said(caplog, logging.INFO) == [f"refused by the limit few: {who} asks for 2, 1 left"]


@bare_door
def test_c36_a_principal_that_is_no_text_can_be_refused_too(host: Host) -> None:
    limited = Limited(host, [Quota("few", 1)], authorize=lambda parent: "\udcff")
    assert [limited.batch(1).status for _ in range(2)] == [200, 429]


@bare_door
def test_c33_a_deny_function_that_fails_is_logged_with_its_action(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    def rule(action: Action, parent: Any) -> None:
        if action.index:
            raise KeyError("no idea")

    assert post_batch(wrap(host, deny=[rule]), host, [action(), action()]).statuses == [200, 500]
    assert _said(caplog, logging.ERROR) == ["a deny rule failed for actions[1]"]
    assert caplog.records[-1].exc_info


@bare_door
def test_c35_a_cost_that_fails_is_logged(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    def cost(action: Action) -> int:
        raise KeyError("no idea")

    assert Limited(host, [Quota("cost", 30, cost=cost)]).batch(1).status == 200
    assert _said(caplog, logging.ERROR) == ["the cost of the limit cost failed; the action costs 1"]


@bare_door
@pytest.mark.parametrize(("policy", "what"), [("refuse", "refused"), ("pass", "let through")])
def test_c41_a_store_that_is_away_is_logged_with_what_was_done(
    host: Host, policy: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    limited = Limited(host, [Quota("q", 30)], limiter=Down(host.door), limiter_down_batch=policy)
    assert limited.batch(1).status == (503 if policy == "refuse" else 200)
    assert _said(caplog, logging.ERROR) == [f"the limits can't be checked, a request was {what}: it is away"]


class _Keeping(MemoryLimiter):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def release(self, slots: Sequence[Slot]) -> None:
        raise self._error


class _KeepingLater(Awaited):
    async def release(self, slots: Sequence[Slot]) -> None:
        raise LimiterUnavailable("it is away")


@pytest.mark.parametrize(
    ("host", "limiter", "error"),
    [
        pytest.param(ASGI, _Keeping(LimiterUnavailable("it is away")), "it is away", id="called on asgi"),
        pytest.param(ASGI, _KeepingLater(MemoryLimiter()), "it is away", id="awaited on asgi"),
        pytest.param(WSGI, _Keeping(LimiterUnavailable("it is away")), "it is away", id="called on wsgi"),
        pytest.param(ASGI, _Keeping(KeyError("a bug")), "'a bug'", id="a bug on asgi"),
        pytest.param(WSGI, _Keeping(KeyError("a bug")), "'a bug'", id="a bug on wsgi"),
    ],
)
def test_c39_slots_that_could_not_be_given_back_are_logged(
    host: Host, limiter: Any, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert Limited(host, [Concurrency("slots", 10)], limiter=limiter).batch(1).statuses == [200]
    line = f"slots could not be given back, they are free when their lease ends: {error}"
    assert eventually(lambda: _said(caplog, logging.WARNING) == [line]), caplog.messages
    assert bool(caplog.records[-1].exc_info) == ("bug" in error)


@pytest.mark.parametrize(
    ("host", "path", "what", "error"),
    [
        pytest.param(ASGI, "/raise", "raised", RuntimeError, id="raises on asgi"),
        pytest.param(WSGI, "/raise", "raised", RuntimeError, id="raises on wsgi"),
        pytest.param(ASGI, "/nothing", "ended without a complete response", None, id="nothing on asgi"),
        pytest.param(WSGI, "/nothing", "raised", InvalidResponse, id="nothing on wsgi"),
    ],
)
def test_c26_a_handler_that_fails_is_logged(
    host: Host, path: str, what: str, error: type | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert post_batch(wrap(host), host, [action(), action(path)]).statuses == [200, 500]
    (record,) = [record for record in caplog.records if record.name == "batchware"]
    assert (record.levelname, record.getMessage()) == ("ERROR", f"actions[1] GET {path} {what}")
    assert (record.exc_info and record.exc_info[0]) == error


@bare_door
def test_c26_what_leaves_a_limiter_harms_no_result_and_is_logged(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    limited = Limited(host, [Concurrency("slots", 10)], limiter=_Keeping(SystemExit(3)))
    assert limited.batch(2).statuses == [200, 200]
    lines = [f"actions[{index}] GET /tasks/1 raised after its response" for index in range(2)]
    assert eventually(lambda: sorted(_said(caplog, logging.ERROR)) == lines), caplog.messages
    assert all(record.exc_info and record.exc_info[0] is SystemExit for record in caplog.records)
    assert limited.app._ledger.places.taken == 0


@bare_door
def test_c26_a_header_that_no_server_sends_is_named(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, headers=[("x-odd", "1\n")])

    def wsgi(environ: Any, start_response: Any) -> Any:
        return started(start_response, headers=[("x-odd", "1\n")])

    app = asgi_app({"/x": asgi}) if host.door == "asgi" else wsgi_app({"/x": wsgi})
    # By batchware, and not by what judges a response before.
    middleware = (batchware_asgi if host.door == "asgi" else batchware_wsgi).BatchMiddleware(app)
    assert post_batch(middleware, host, [action("/x")]).statuses == [500]
    (record,) = caplog.records
    assert record.exc_info
    assert str(record.exc_info[1]).startswith("the value of the header 'x-odd' has a control character")


@pytest.mark.parametrize(
    "options", [{"threads": 0}, {"action_timeout": 60.0}], ids=["in the calling thread", "in a helper"]
)
def test_c27_a_close_that_raises_is_logged(options: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    assert post_batch(wrap(WSGI, **options), WSGI, [action("/late")]).statuses == [200]
    line = "close() of a response in a batch raised"
    assert eventually(lambda: _said(caplog, logging.ERROR) == [line]), caplog.messages
    assert caplog.records[-1].exc_info


class _Failing(BatchHooks):
    def __init__(self, place: str) -> None:
        self.place = place

    def __repr__(self) -> str:
        return "<a hook>"

    def around_action(self, action: Any, parent: Any) -> Any:
        return self if self.place != "call" else {}["call"]

    def __enter__(self) -> Any:
        return self.tell if self.place != "enter" else {}["enter"]

    def tell(self, outcome: Any) -> None:
        if self.place == "tell":
            raise KeyError("tell")

    def __exit__(self, *error: object) -> None:
        if self.place == "leave":
            raise KeyError("leave")

    def on_batch(self, *what: Any) -> None:
        if self.place == "batch":
            raise KeyError("batch")


@bare_door
@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("call", "<a hook> failed as it was entered for actions[1]"),
        ("enter", "<a hook> failed as it was entered for actions[1]"),
        ("tell", "a hook failed as it was told the outcome"),
        ("leave", "a hook failed as it was left"),
        ("batch", "<a hook> failed in on_batch"),
    ],
)
def test_c26_a_hook_that_fails_is_logged(host: Host, place: str, line: str, caplog: pytest.LogCaptureFixture) -> None:
    app = wrap(host, hooks=[_Failing(place)])
    assert post_batch(app, host, [action("x"), action()]).statuses == [400, 200]
    assert eventually(lambda: _said(caplog, logging.ERROR) == [line]), caplog.messages
    assert caplog.records[-1].exc_info


@bare_door
def test_c30_an_error_body_that_fails_is_logged(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    assert post_batch(wrap(host, error_body=lambda error: {}["x"]), host, [action("x")]).statuses == [400]
    assert _said(caplog, logging.ERROR) == ["error_body failed; the client gets the default shape"]
    assert caplog.records[-1].exc_info


def test_c28_a_disconnect_that_cannot_be_waited_for_is_logged_and_is_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "batchware")
    seen: list[str] = []

    async def listens(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([(await receive())["type"] for _ in range(2)])
        await reply(send)

    sent = iter([{"type": "http.request", "body": batch_body([action("/listen")]), "more_body": False}])

    async def receive() -> Any:
        return next(sent, None) or {}["no more"]

    async def send(message: Any) -> None:
        return None

    scope = build_scope(
        prepare("POST", "/batch", {"Content-Type": "application/json"}, b"", ("testserver", 80), "http")
    )
    asyncio.run(wrap(ASGI, asgi_app({"/listen": listens}))(scope, receive, send))
    assert seen == ["http.request", "http.disconnect"]
    assert _said(caplog, logging.DEBUG) == ["waiting for the client's disconnect failed"]
    assert caplog.records[-1].exc_info


class _Work:
    def __init__(self) -> None:
        self.threads: list[str] = []

    def help(self) -> None:
        self.threads.append(threading.current_thread().name)
        raise SystemExit


def test_c26_an_error_in_a_helper_is_logged_and_the_helper_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    helpers, work = Helpers(1), _Work()
    for _ in range(2):
        assert helpers.offer(work)
    line = "a helper thread met an error of batchware's own"
    assert eventually(lambda: _said(caplog, logging.ERROR) == [line] * 2), caplog.messages
    assert (work.threads, helpers.count) == (["batchware-helper"] * 2, 1)
    assert caplog.records[-1].exc_info
    helpers.close()


class _Waiting:
    def __init__(self) -> None:
        self.here, self.let_go = threading.Event(), threading.Event()

    def help(self) -> None:
        self.here.set()
        self.let_go.wait(10)


@pytest.mark.parametrize("there", [0, 1])
def test_c18_threads_that_cannot_be_had_are_logged(
    there: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    helpers, waiting = Helpers(2), _Waiting()
    if there:
        helpers.offer(waiting)
        assert waiting.here.wait(10)
    with monkeypatch.context() as context:
        context.setattr(threading.Thread, "start", start)
        assert helpers.offer(_Work()) is bool(there), "those that are there go on"
    assert helpers.count == there
    helpers.close()
    waiting.let_go.set()
    assert _said(caplog, logging.WARNING) == ["no helper thread could be started"]
    assert caplog.records[-1].exc_info
