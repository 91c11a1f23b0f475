"""C26 where a framework stands between: what it makes of a fault is the result, and where it gives up, a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults import frameworks
from tests.faults.play import FAILED, Door, play_app
from tests.faults.test_exceptions import EXCEPTIONS
from tests.hosts.clients import send
from tests.hosts.probe import SECRET

HOSTS: dict[str, tuple[Door, Callable[[str, Any], Any]]] = {
    "starlette": ("asgi", frameworks.starlette),
    "fastapi": ("asgi", frameworks.fastapi),
    "django-asgi": ("asgi", frameworks.django_asgi),
    "flask": ("wsgi", frameworks.flask),
    "django-wsgi": ("wsgi", frameworks.django_wsgi),
}
OK = {"status_code": 200, "headers": {}, "body": {"ok": True}}

# The page of each, where an `Exception` leaves a handler.
PAGES = {
    "starlette": "Internal Server Error",
    "fastapi": "Internal Server Error",
    "flask": "<title>500 Internal Server Error</title>",
    "django-asgi": "<h1>Server Error (500)</h1>",
    "django-wsgi": "<h1>Server Error (500)</h1>",
}


def _ends_a_server(id: str, kind: str, when: str) -> bool:
    """Where a direct request would too: Django runs an asynchronous view in a task of its own, out of which
    `SystemExit` ends the event loop (C26), and waits for ever for `StopIteration` of `close()`: no future holds it."""
    return id == "django-asgi" and (kind == "SystemExit" or (kind, when) == ("StopIteration", "after"))


CASES = [
    pytest.param(id, kind, when, id=f"{kind} {when}, {id}")
    for id in HOSTS
    for kind in EXCEPTIONS
    for when in ("before", "between", "after")
    if not _ends_a_server(id, kind, when)
]


@pytest.mark.parametrize(("id", "kind", "when"), CASES)
def test_c26_what_a_framework_makes_of_an_exception(id: str, kind: str, when: str) -> None:
    door, make = HOSTS[id]

    def fail() -> None:
        raise EXCEPTIONS[kind]

    app = make(when, fail)
    direct = send(app, door, "GET", "/fault")
    result = play_app(door, app, times=1)
    if when == "after":
        assert result == OK
    elif when == "between":
        assert result == FAILED
    elif direct.complete:
        shown = direct.json() if (direct.header("content-type") or "").endswith("json") else direct.body.decode()
        assert (result["status_code"], result["body"]) == (direct.status, shown)
        assert PAGES[id] in result["body"]
        assert SECRET not in json.dumps(result)
    else:
        assert result == FAILED
    if when == "before":
        page = isinstance(EXCEPTIONS[kind], Exception)
        assert (result != FAILED) == page, "an Exception has a page, a BaseException none"
