"""A client that batches gets what a client that does not would get, whatever it asks for concurrently."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.client.in_process import InProcess, batched, client_of, library_named
from tests.client.sets import Asked, sets
from tests.contract.batching import host_named
from tests.hosts import Host, probe

HOSTS = ("starlette", "asgi", "django-asgi", "flask", "wsgi")
LEFT_OUT = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade", "date", "server", "alt-svc", "strict-transport-security", "vary", "cache-control", "set-cookie",
}  # fmt: skip
_APPS: dict[tuple[str, str], Any] = {}


def application(host: Host, style: Any) -> Any:
    """The host with a batch route of this style, made once."""
    if (host.id, style) not in _APPS:
        _APPS[host.id, style] = batched(host, style=style, action_timeout=None)
    return _APPS[host.id, style]


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # handlers fail on purpose
    probe.reset()
    yield
    logging.disable(logging.NOTSET)


def headers_of(response: Any) -> dict[str, str]:
    """The header fields that a result keeps, and the media type that it implies."""
    kept = {name: value for name, value in response.headers.items() if name not in LEFT_OUT}
    kept = {name: value for name, value in kept.items() if not name.startswith("access-control-")}
    if response.request.method != "HEAD":
        kept.pop("content-length", None)
    if kept.get("content-type", "").lower() == "application/json":
        del kept["content-type"]
    # Joined, they can't be told from one with spaces around its commas.
    return {name: ",".join(part.strip() for part in value.split(",")) for name, value in kept.items()}


def seen(response: Any) -> Any:
    """What an echo shows that the host saw, but for what a batch is known to change."""
    shown = json.loads(response.content)
    for name in ("connection", "accept-encoding"):
        shown["headers"].pop(name, None)
    if not shown["body"]:
        for name in ("content-type", "content-length"):
            shown["headers"].pop(name, None)
    return shown


def leaves_open(direct: Any) -> bool:
    """Whether the result of a write would leave open what the response was: see `BatchTransport`."""
    media_type = direct.headers.get("content-type", "application/json").lower()
    is_json = media_type.partition(";")[0].endswith(("/json", "+json"))
    known = media_type.rpartition("charset=")[2].strip('"') if "charset=" in media_type else "utf-8"
    if known not in ("utf-8", "iso-8859-1", "windows-1252", "koi8-r", "us-ascii"):
        return True
    if not is_json:
        return False
    try:
        return direct.content in (b"", b"null") or isinstance(json.loads(direct.content), str)
    except ValueError:
        return True


def check(asked: Asked, batched: Any, direct: Any) -> None:
    assert batched.status_code == direct.status_code
    if "batch" not in batched.extensions:
        assert batched.content == direct.content
        assert batched.headers == direct.headers
        return
    if asked.target.startswith("/echo") and direct.status_code == 200:
        # Of HEAD the host shows how long the answer would be, which is no news.
        assert asked.method == "HEAD" or seen(batched) == seen(direct)
        return
    if asked.method not in ("GET", "HEAD") and (leaves_open(direct) or direct.status_code == 500):
        event("a write whose result leaves its response open")
        return
    assert batched.content == direct.content
    assert headers_of(batched) == headers_of(direct)


async def both(library: Any, host: Host, style: Any, requests: list[Asked]) -> tuple[list[Any], list[Any]]:
    """Each request sent directly, and all of them concurrently through the transport."""
    app, door = application(host, style), host.door
    async with library.AsyncClient(transport=InProcess(library, app, door)) as client:
        made = [asked.build(client) for asked in requests]  # before any of them sets a cookie
        direct = [await client.send(request) for request in made]
    async with client_of(library, InProcess(library, app, door), style=style) as client:
        made = [asked.build(client) for asked in requests]
        return direct, list(await asyncio.gather(*map(client.send, made)))


@pytest.mark.parametrize("library", ["httpx2", "httpx"])
@settings(max_examples=settings().max_examples)
@given(requests=sets(), host=st.sampled_from(HOSTS), style=st.sampled_from(["asana", "plain"]))
def test_answers_equal_direct_ones(library: str, requests: list[Asked], host: str, style: str) -> None:
    direct, answers = asyncio.run(both(library_named(library), host_named(host), style, requests))
    for asked, answer, expected in zip(requests, answers, direct, strict=True):
        check(asked, answer, expected)
    together = sum("batch" in answer.extensions for answer in answers)
    event(f"batched: {together and min(together, 4)} or more" if together else "nothing batched")
