"""The HTTP clients of other people that the senders take, each in one line, and one way to send through any of them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

import pytest

from batchware.client import Action, AsyncSender, Report, Sender
from tests.integrations.needs import require

SYNC = {"httpx2": "Client", "httpx": "Client", "requests": "Session", "niquests": "Session"}
ASYNC = {"httpx2": "AsyncClient", "httpx": "AsyncClient", "aiohttp": "ClientSession", "niquests": "AsyncSession"}
CLIENTS = [(package, kind) for kinds in (SYNC, ASYNC) for package, kind in kinds.items()]

every_client = pytest.mark.parametrize(
    ("package", "kind"), [pytest.param(*client, id=".".join(client)) for client in CLIENTS]
)

Serving = Callable[..., AbstractContextManager[str]]


def report(package: str, kind: str, url: str, actions: Sequence[Action], **options: Any) -> Report:
    """What became of `actions`, sent through the client `kind` of `package`."""
    require(package)
    make = getattr(importlib.import_module(package), kind)
    if SYNC.get(package) == kind:
        with make() as client:
            return Sender(client, url, **options).report(actions)

    async def send() -> Report:
        async with opened(make) as client:
            return await AsyncSender(client, url, **options).report(actions)

    return asyncio.run(send())


@asynccontextmanager
async def opened(make: Callable[[], Any]) -> Any:
    async with make() as client:
        yield client
