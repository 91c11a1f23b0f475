"""The ways in which one request can leave something for another: a `Channel` each, and the handler that tries them all.

A handler looks into every channel, leaves its own name there, and looks again. Where `n` of them meet, all have looked
before any leaves, and all have left before any looks again: whatever two requests share then shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

from asgiref.local import Local

from tests.hosts.gates import Gates

gates = Gates()

_variable: ContextVar[str | None] = ContextVar("left", default=None)
_local = Local()


class Channel(NamedTuple):
    """`look()` gives the name that stands there, or None; `leave(name)` puts one there."""

    name: str
    look: Callable[[], Any]
    leave: Callable[[str], Any]


def attribute(name: str, holder: Any) -> Channel:
    """Something that has attributes."""
    return Channel(name, lambda: getattr(holder, "left", None), lambda value: setattr(holder, "left", value))


def item(name: str, holder: Any, key: str = "left") -> Channel:
    """Something that has items."""
    return Channel(name, lambda: holder.get(key), lambda value: holder.__setitem__(key, value))


def anywhere() -> list[Channel]:
    """What there is in any process."""
    return [
        Channel("a context variable", _variable.get, _variable.set),
        attribute("a Local of asgiref", _local),
    ]


def of_scope(scope: Any, *, routed: bool = False) -> list[Channel]:
    """What can be written to in a scope; a framework that has routed has `path_params` of its own."""

    def look_at_headers() -> str | None:
        return next((value.decode() for name, value in scope["headers"] if name == b"x-left"), None)

    def look_at_query() -> str | None:
        _, _, left = scope["query_string"].partition(b"&left=")
        return left.decode() or None

    channels = [
        item("the scope", scope),
        item("asgi", scope["asgi"]),
        item("state", scope.setdefault("state", {})),
        item("extensions", scope.setdefault("extensions", {})),
        Channel("the headers", look_at_headers, lambda name: scope["headers"].append((b"x-left", name.encode()))),
        Channel("the query", look_at_query, lambda name: scope.update(query_string=b"&left=" + name.encode())),
        Channel("the name of the task", _task_name, lambda name: _task().set_name(name)),
    ]
    return channels if routed else [*channels, item("path_params", scope.setdefault("path_params", {}))]


def _task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _task_name() -> str | None:
    name = _task().get_name()
    return name if name.startswith("left") else None


def of_environ(environ: Any) -> list[Channel]:
    """What can be written to in an environ."""

    def look_at_query() -> str | None:
        _, _, left = environ["QUERY_STRING"].partition("&left=")
        return left or None

    def read() -> str | None:
        environ["wsgi.input"].seek(0)
        return environ["wsgi.input"].read().decode() or None

    def write(name: str) -> None:
        environ["wsgi.input"].seek(0)
        environ["wsgi.input"].write(name.encode())

    return [
        item("the environ", environ, "LEFT"),
        item("a key with a dot", environ, "left.behind"),
        item("a header", environ, "HTTP_X_LEFT"),
        item("REMOTE_USER", environ, "REMOTE_USER"),
        Channel("the query", look_at_query, lambda name: environ.update(QUERY_STRING="&left=" + name)),
        Channel("the input", read, write),
    ]


def look(channels: Sequence[Channel]) -> dict[str, Any]:
    """What stands in the channels that hold anything."""
    return {channel.name: found for channel in channels if (found := channel.look()) is not None}


def _leave(channels: Sequence[Channel], name: str) -> None:
    for channel in channels:
        channel.leave(name)


def _judge(channels: Sequence[Channel], before: Mapping[str, Any], name: str) -> dict[str, Any]:
    after = look(channels)
    mixed = {channel.name: after.get(channel.name) for channel in channels if after.get(channel.name) != name}
    return {"me": name, "before": dict(before), "mixed": mixed, "channels": len(channels)}


def attempt(channels: Sequence[Channel], query: Mapping[str, Any]) -> dict[str, Any]:
    """What a handler finds: `before` it left anything, and `mixed` up afterwards."""
    name, expected = query["me"], int(query["n"])
    before = look(channels)
    gates.arrive("looked", expected)
    _leave(channels, name)
    gates.arrive("left", expected)
    return _judge(channels, before, name)


async def attempt_async(channels: Sequence[Channel], query: Mapping[str, Any]) -> dict[str, Any]:
    """The same on the event loop."""
    name, expected = query["me"], int(query["n"])
    before = look(channels)
    await gates.arrive_async("looked", expected)
    _leave(channels, name)
    await gates.arrive_async("left", expected)
    return _judge(channels, before, name)
