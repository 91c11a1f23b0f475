"""The applications that the matrix serves beside the thirteen of `tests.hosts`, with the same routes."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from tests.hosts import HOSTS, Door, Host


def _host(id: str, door: Door, module: str, factory: str = "make") -> Host:
    def make(**options: Any) -> Any:
        return getattr(import_module(f"tests.matrix.{module}"), factory)(**options)

    return Host(id, door, make)


MORE = (
    _host("drf-asgi", "asgi", "drf_host", "make_asgi"),
    _host("drf-wsgi", "wsgi", "drf_host", "make_wsgi"),
    _host("ninja", "asgi", "ninja_host"),
    _host("blacksheep", "asgi", "blacksheep_host"),
    _host("fastapi-sub", "asgi", "placed_hosts", "fastapi_sub_application"),
    _host("fastapi-with-sub", "asgi", "placed_hosts", "fastapi_with_sub_application"),
    _host("fastapi-root-path", "asgi", "placed_hosts", "fastapi_with_root_path"),
    _host("flask-in-proxy-fix", "wsgi", "placed_hosts", "flask_inside_proxy_fix"),
    _host("flask-out-of-proxy-fix", "wsgi", "placed_hosts", "flask_outside_proxy_fix"),
)
ALL = (*HOSTS, *MORE)

NEEDS = {"drf-asgi": "rest_framework", "drf-wsgi": "rest_framework", "ninja": "ninja", "blacksheep": "blacksheep"}
"""What hosts import that no other test needs."""


def host_named(id: str) -> Host:
    return next(host for host in ALL if host.id == id)


def require_framework(host: str) -> None:
    """Skips where that of `host` is not installed, except in CI, where it has to be."""
    name = NEEDS.get(host)
    missing = name is not None and find_spec(name) is None
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"{host} needs {name}, which is not installed")
    assert not missing, f"{host} needs {name}"
