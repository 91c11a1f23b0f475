"""C26 on `KeyboardInterrupt`: the calling thread raises it again after the batch; elsewhere it is a failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from batchware import Concurrency, Slot
from batchware.limiters.memory import MemoryLimiter
from tests.contract.batching import action, bare_door, batch_body, post_batch, wrap
from tests.contract.small_apps import asgi_app, door, reply, started, wsgi_app
from tests.hosts import Host
from tests.hosts.clients import send


@pytest.fixture
def ran() -> list[str]:
    return []


def _interrupting(kind: Any, ran: list[str]) -> Host:
    async def asgi_interrupt(scope: Any, receive: Any, send: Any) -> None:
        raise KeyboardInterrupt

    async def asgi_plain(scope: Any, receive: Any, send: Any) -> None:
        ran.append(scope["path"])
        await reply(send)

    def wsgi_interrupt(environ: Any, start_response: Any) -> Any:
        raise KeyboardInterrupt

    def wsgi_plain(environ: Any, start_response: Any) -> Any:
        ran.append(environ["PATH_INFO"])
        return started(start_response)

    if kind == "asgi":
        return door(kind, asgi_app({"/interrupt": asgi_interrupt, "/plain": asgi_plain}))
    return door(kind, wsgi_app({"/interrupt": wsgi_interrupt, "/plain": wsgi_plain}))


def _options(host: Host) -> dict[str, Any]:
    """On WSGI without threads, so that the calling thread runs all actions."""
    return {"threads": 0} if host.door == "wsgi" else {}


@bare_door
def test_c26_a_keyboard_interrupt_is_raised_again_after_the_batch(host: Host, ran: list[str]) -> None:
    small = _interrupting(host.door, ran)
    body = batch_body([action("/plain"), action("/interrupt"), action("/plain")])
    app = wrap(small, max_actions=3, max_pending=3, **_options(host))
    headers = {"Content-Type": "application/json"}
    response = send(app, host.door, "POST", "/batch", headers=headers, body=body)
    assert type(response.raised) is KeyboardInterrupt
    assert ran == ["/plain", "/plain"]
    assert post_batch(app, small, [action("/plain")] * 3).statuses == [200] * 3, "all places are free again"


class _Interrupted(MemoryLimiter):
    """Is interrupted as it gives back for the first time."""

    def release(self, slots: Sequence[Slot]) -> None:
        super().release(slots)
        if not hasattr(self, "was_asked"):
            self.was_asked = True
            raise KeyboardInterrupt


@bare_door
def test_c26_a_keyboard_interrupt_while_a_slot_is_given_back_ends_no_batch_early(host: Host, ran: list[str]) -> None:
    small = _interrupting(host.door, ran)
    app = wrap(small, limits=[Concurrency("slots", 9)], limiter=_Interrupted(), max_actions=3, **_options(host))
    headers, body = {"Content-Type": "application/json"}, batch_body([action("/plain")] * 3)
    response = send(app, host.door, "POST", "/batch", headers=headers, body=body)
    assert type(response.raised) is KeyboardInterrupt
    assert ran == ["/plain"] * 3
    assert (app._ledger.places.taken, app._ledger.held) == (0, [])


def test_c26_a_keyboard_interrupt_in_another_thread_is_a_failure(ran: list[str]) -> None:
    small = _interrupting("wsgi", ran)
    app = wrap(small, action_timeout=60.0)  # with a time-out the calling thread runs none itself
    assert post_batch(app, small, [action("/interrupt"), action("/plain")]).statuses == [500, 200]
