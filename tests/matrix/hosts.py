"""The applications that the matrix serves beside the thirteen of `tests.hosts`, with the same routes."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

from tests.hosts import HOSTS, Host, host_in

MORE = (
    host_in("tests.matrix.drf_host", "drf-asgi", "asgi", "make_asgi"),
    host_in("tests.matrix.drf_host", "drf-wsgi", "wsgi", "make_wsgi"),
    host_in("tests.matrix.ninja_host", "ninja", "asgi"),
    host_in("tests.matrix.blacksheep_host", "blacksheep", "asgi"),
    host_in("tests.matrix.placed_hosts", "fastapi-sub", "asgi", "fastapi_sub_application"),
    host_in("tests.matrix.placed_hosts", "fastapi-with-sub", "asgi", "fastapi_with_sub_application"),
    host_in("tests.matrix.placed_hosts", "fastapi-root-path", "asgi", "fastapi_with_root_path"),
    host_in("tests.matrix.placed_hosts", "flask-in-proxy-fix", "wsgi", "flask_inside_proxy_fix"),
    host_in("tests.matrix.placed_hosts", "flask-out-of-proxy-fix", "wsgi", "flask_outside_proxy_fix"),
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
