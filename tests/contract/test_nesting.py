"""C34: the mark of a child request, what host code can ask, and that no batch comes to hold another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest

from batchware import in_batch, not_batchable
from batchware.contract.nesting import Mark, mark_of
from tests.contract.batching import action, apost_batch, bare_door, batch_body, every_host, post_batch, wrap
from tests.contract.small_apps import asgi_app, door, eventually, reply, started, wsgi_app
from tests.hosts import Host, probe
from tests.hosts.clients import asend, send

REFUSAL = "actions[0].relative_path: this endpoint cannot be batched"


@every_host
def test_c34_in_batch_is_true_in_actions_and_nowhere_else(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bool, bool]] = []
    answer, answer_async = probe.answer, probe.answer_async

    def asking(route: probe.Route, call: probe.Call) -> Any:
        asked.append((in_batch(call.frame), in_batch()))
        return answer(route, call)

    async def asking_async(route: probe.Route, call: probe.Call) -> Any:
        asked.append((in_batch(call.frame), in_batch()))
        return await answer_async(route, call)

    app = wrap(host)
    monkeypatch.setattr(probe, "answer", asking)
    monkeypatch.setattr(probe, "answer_async", asking_async)
    assert send(app, host.door, "GET", "/tasks/1").status == 200
    assert set(asked) == {(False, False)}
    asked.clear()
    answered = post_batch(app, host, [action(), action("/sleep-sync/0"), action("/sleep/0")])
    assert answered.statuses == [200] * 3
    assert set(asked) == {(True, True)}
    assert not in_batch()


@every_host
def test_c34_not_batchable_guards_an_endpoint(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    app = wrap(host)
    post_batch(app, host, [action()])  # so that all is imported
    probe.seen.clear()
    monkeypatch.setattr(probe, "answer", not_batchable(probe.answer))
    monkeypatch.setattr(probe, "answer_async", not_batchable(probe.answer_async))
    answer = post_batch(app, host, [action(), action("/tasks", "post", data={}), action("/sleep-sync/0")])
    assert answer.statuses == [400] * 3
    assert probe.seen == []
    assert answer.refusal() == REFUSAL
    for path in ("/tasks/1", "/sleep-sync/0"):
        assert send(app, host.door, "GET", path).status == 200


def test_c34_not_batchable_keeps_what_it_guards() -> None:
    @not_batchable
    def view(number: int) -> int:
        """Doubles."""
        return 2 * number

    @not_batchable
    async def async_view(number: int) -> int:
        return 2 * number

    assert (view.__name__, view.__doc__, view(2)) == ("view", "Doubles.", 4)
    assert asyncio.iscoroutinefunction(async_view)
    assert asyncio.run(async_view(2)) == 4


@bare_door
def test_c34_no_client_can_set_the_mark(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    answer = probe.answer
    monkeypatch.setattr(probe, "answer", lambda route, call: asked.append(in_batch(call.frame)) or answer(route, call))
    names = ["batchware", "batchware.action", "X-Batchware", "Batchware-Action"]
    headers = dict.fromkeys(names, "1")
    assert send(wrap(host), host.door, "GET", "/tasks/1?batchware=1", headers=headers).status == 200
    assert asked == [False]
    assert post_batch(wrap(host), host, [action()], headers=headers).statuses == [200]


@pytest.mark.parametrize("forged", [True, 1, "x", object()], ids=repr)
def test_c34_only_the_mark_is_a_mark(forged: Any) -> None:
    if type(forged) is object:
        forged = object()
    assert not in_batch({"batchware": forged})
    assert not in_batch({"batchware.action": forged})


# --- a batch that reaches the batch route all the same


class _Nesting:
    """A host whose `/outer` posts a batch to the middleware around it, as host code could."""

    def __init__(self, kind: Any, how: str) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.how = how
        paths: dict[str, Callable[..., Any]] = (
            {"/outer": self._asgi, "/inner": _inner_asgi}
            if kind == "asgi"
            else {"/outer": self._wsgi, "/inner": _inner}
        )
        self.host = door(kind, asgi_app(paths) if kind == "asgi" else wsgi_app(paths))
        self.app = wrap(self.host)

    async def _asgi(self, scope: Any, receive: Any, send: Any) -> None:
        body = batch_body([action("/inner")])
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        nested = {"path": "/batch", "raw_path": b"/batch", "method": "POST", "headers": headers}
        base = dict(scope) if self.how == "with the scope of the action" else {k: scope[k] for k in ("type", "asgi")}
        got: list[Any] = []

        async def take() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Any) -> None:
            got.append(message)

        await self.app({"query_string": b"", "root_path": "", "scheme": "http"} | base | nested, take, keep)
        self.answers.append((got[0]["status"], got[1]["body"]))
        await reply(send)

    def _wsgi(self, environ: Any, start_response: Any) -> Any:
        extra = dict(environ) if self.how == "with the scope of the action" else {}
        keep = {key: value for key, value in extra.items() if key.startswith("batchware")}
        headers = {"Content-Type": "application/json"}
        body = batch_body([action("/inner")])
        answer = send(self.app, "wsgi", "POST", "/batch", headers=headers, body=body, environ_extra=keep)
        self.answers.append((answer.status, answer.body))
        return started(start_response)


async def _inner_asgi(scope: Any, receive: Any, send: Any) -> None:
    probe.seen.append(("/inner", "", None))
    await reply(send)


def _inner(environ: Any, start_response: Any) -> Any:
    probe.seen.append(("/inner", "", None))
    return started(start_response)


@bare_door
@pytest.mark.parametrize("how", ["with the scope of the action", "with a scope of its own"])
def test_c34_the_batch_route_refuses_an_action_that_reaches_it_through_code(host: Host, how: str) -> None:
    nesting = _Nesting(host.door, how)
    assert post_batch(nesting.app, nesting.host, [action("/outer")]).statuses == [200]
    ((status, body),) = nesting.answers
    assert status == 400
    assert b"A batch cannot hold a batch" in body
    assert probe.seen == []


@bare_door
def test_c34_another_middleware_refuses_it_too(host: Host) -> None:
    inner = wrap(host, path="/v1/batch")
    outer_app = wrap(door(host.door, inner), inner, path="/batch")
    nested = action("/v1/batch", "post", data={"actions": [action()]})
    answer = post_batch(outer_app, host, [nested, action()])
    assert answer.statuses == [400, 200]
    assert answer.results[0]["body"]["errors"][0]["message"].startswith("A batch cannot hold a batch")
    assert post_batch(outer_app, host, [action("/echo")], path="/v1/batch").statuses == [404], "it works by itself"


@bare_door
def test_c34_the_preflight_of_the_batch_route_is_no_way_in(host: Host) -> None:
    asked: list[bool] = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        asked.append(in_batch(scope))
        await reply(send, b"")

    def wsgi(environ: Any, start_response: Any) -> Any:
        asked.append(in_batch(environ))
        return started(start_response, b"")

    small = door(host.door, asgi_app({"/batch": asgi}) if host.door == "asgi" else wsgi_app({"/batch": wsgi}))
    assert send(wrap(small), host.door, "OPTIONS", "/batch").status == 200
    assert asked == [False], "a client's own request is no child"


# --- void after the end


def test_c34_the_mark_is_void_after_the_end_on_asgi() -> None:
    scopes: list[Any] = []
    asked: list[tuple[bool, bool]] = []
    guarded = not_batchable(lambda: "ran")

    async def test() -> None:
        over = asyncio.Event()

        async def outlives() -> None:
            asked.append((in_batch(scopes[0]), in_batch()))
            await over.wait()
            asked.append((in_batch(scopes[0]), in_batch()))
            assert guarded() == "ran"

        async def leaves_work(scope: Any, receive: Any, send: Any) -> None:
            scopes.append(scope)
            tasks.append(asyncio.create_task(outlives()))
            await asyncio.sleep(0)
            await reply(send)

        tasks: list[asyncio.Task[None]] = []
        host = door("asgi", asgi_app({"/x": leaves_work}))
        assert (await apost_batch(wrap(host), [action("/x")])).statuses == [200]
        over.set()
        await tasks[0]
        assert asked == [(True, True), (False, False)]

    asyncio.run(test())


@pytest.mark.parametrize("threads", [0, 32], ids=["one thread", "threads"])
def test_c34_the_mark_is_void_after_the_end_on_wsgi(threads: int) -> None:
    environs: list[Any] = []
    asked: list[tuple[bool, bool]] = []
    over = threading.Event()

    def outlives() -> None:
        asked.append((in_batch(environs[0]), in_batch()))
        over.wait(10)
        asked.append((in_batch(environs[0]), in_batch()))

    def leaves_work(environ: Any, start_response: Any) -> Any:
        environs.append(environ)
        thread = threading.Thread(target=copy_context().run, args=(outlives,))
        thread.start()
        workers.append(thread)
        assert eventually(lambda: asked)
        return started(start_response)

    workers: list[threading.Thread] = []
    host = door("wsgi", wsgi_app({"/x": leaves_work}))
    app = wrap(host, threads=threads)
    assert post_batch(app, host, [action("/x"), action("/y")]).statuses == [200, 404]
    assert eventually(lambda: not in_batch(environs[0]))
    over.set()
    workers[0].join()
    assert asked == [(True, True), (False, False)]


def test_c34_the_mark_is_void_even_if_the_client_left_before_the_answer() -> None:
    scopes: list[Any] = []

    async def keeps(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await reply(send)

    host = door("asgi", asgi_app({"/x": keeps}))
    headers, body = {"Content-Type": "application/json"}, batch_body([action("/x")])
    sending = asend(wrap(host), "POST", "/batch", headers=headers, body=body, disconnect_after=1)
    assert isinstance(asyncio.run(sending).raised, OSError | None)
    assert not in_batch(scopes[0])


def test_c34_the_mark_is_found_where_there_is_no_context() -> None:
    for frame in ({"batchware": Mark()}, {"batchware.action": Mark()}):
        assert in_batch(frame)
        assert mark_of(frame) is next(iter(frame.values()))
    assert not in_batch({"batchware": Mark(live=False)})
    assert not in_batch({"batchware": True}), "no client can set it, and nothing else is one"
    assert not in_batch({})


def test_c34_a_mark_says_whether_its_batch_has_ended() -> None:
    assert [repr(Mark(live=live)) for live in (True, False)] == ["<batchware mark, live>", "<batchware mark, void>"]


@bare_door
def test_c34_a_batch_in_a_batch_is_refused_by_the_mark_of_its_request_alone(host: Host) -> None:
    """Where no context came along: a thread of the host's own. Nor is the host asked for its policy then (C24)."""
    seen: list[str] = []
    small = door(host.door, asgi_app({}) if host.door == "asgi" else wsgi_app({}))
    mark = {"batchware": Mark()} if host.door == "asgi" else {"batchware.action": Mark()}
    extra = {"scope_extra": mark} if host.door == "asgi" else {"environ_extra": mark, "lint": False}
    app = wrap(small, deny=[lambda asked, parent: seen.append(asked.path)])
    answer = post_batch(app, small, [action()], headers={"Origin": "https://a.example"}, **extra)
    assert (answer.status, answer.message) == (400, "A batch cannot hold a batch, however it is reached.")
    assert seen == []
