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


def host_in(module: str, id: str, door: Door, factory: str = "make") -> Host:
    """The host that `factory` of `module` makes; its framework is imported only then."""

    def make(**options: Any) -> Any:
        return getattr(import_module(module), factory)(**options)

    return Host(id, door, make)


HOSTS = (
    host_in("tests.hosts.bare_asgi_host", "asgi", "asgi"),
    host_in("tests.hosts.starlette_host", "starlette", "asgi"),
    host_in("tests.hosts.fastapi_host", "fastapi", "asgi"),
    host_in("tests.hosts.litestar_host", "litestar", "asgi"),
    host_in("tests.hosts.quart_host", "quart", "asgi"),
    host_in("tests.hosts.falcon_host", "falcon-asgi", "asgi", "make_asgi"),
    host_in("tests.hosts.django_host", "django-asgi", "asgi", "make_asgi"),
    host_in("tests.hosts.bare_wsgi_host", "wsgi", "wsgi"),
    host_in("tests.hosts.flask_host", "flask", "wsgi"),
    host_in("tests.hosts.falcon_host", "falcon-wsgi", "wsgi", "make_wsgi"),
    host_in("tests.hosts.django_host", "django-wsgi", "wsgi", "make_wsgi"),
    host_in("tests.hosts.bottle_host", "bottle", "wsgi"),
    host_in("tests.hosts.pyramid_host", "pyramid", "wsgi"),
)
ASGI_HOSTS = tuple(host for host in HOSTS if host.door == "asgi")
WSGI_HOSTS = tuple(host for host in HOSTS if host.door == "wsgi")


def params(*hosts: Host) -> list[Any]:
    """For `pytest.mark.parametrize("host", params(*HOSTS))`."""
    return [pytest.param(host, id=host.id) for host in hosts]
