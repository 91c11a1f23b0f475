"""The thirteen applications on which every rule of the contract is checked.

All serve `tests.hosts.routes`, at the root and below `/api/1.0`, each with its framework's own
router and response types. A framework is imported when its host is made, not before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal

import pytest

__all__ = ["ASGI_HOSTS", "HOSTS", "WSGI_HOSTS", "Host", "params"]

Door = Literal["asgi", "wsgi"]


@dataclass(frozen=True)
class Host:
    """`make()` builds a fresh application without batchware around it.

    `shared()` gives one application to the whole process. No host keeps anything of a request, so most tests
    can wrap that one: a fresh one takes up to 150 ms.
    """

    id: str
    door: Door
    make: Callable[..., Any]

    def shared(self) -> Any:
        return _shared(self)


@cache
def _shared(host: Host) -> Any:
    return host.make()


def _host(id: str, door: Door, module: str, factory: str = "make") -> Host:
    def make(**options: Any) -> Any:
        return getattr(import_module(f"tests.hosts.{module}"), factory)(**options)

    return Host(id, door, make)


HOSTS = (
    _host("asgi", "asgi", "bare_asgi_host"),
    _host("starlette", "asgi", "starlette_host"),
    _host("fastapi", "asgi", "fastapi_host"),
    _host("litestar", "asgi", "litestar_host"),
    _host("quart", "asgi", "quart_host"),
    _host("falcon-asgi", "asgi", "falcon_host", "make_asgi"),
    _host("django-asgi", "asgi", "django_host", "make_asgi"),
    _host("wsgi", "wsgi", "bare_wsgi_host"),
    _host("flask", "wsgi", "flask_host"),
    _host("falcon-wsgi", "wsgi", "falcon_host", "make_wsgi"),
    _host("django-wsgi", "wsgi", "django_host", "make_wsgi"),
    _host("bottle", "wsgi", "bottle_host"),
    _host("pyramid", "wsgi", "pyramid_host"),
)
ASGI_HOSTS = tuple(host for host in HOSTS if host.door == "asgi")
WSGI_HOSTS = tuple(host for host in HOSTS if host.door == "wsgi")


def params(*hosts: Host) -> list[Any]:
    """For `pytest.mark.parametrize("host", params(*HOSTS))`."""
    return [pytest.param(host, id=host.id) for host in hosts]
