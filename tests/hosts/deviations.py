"""Where a framework, called directly, differs from the other hosts, and why; batchware has no part in it.

A batched action has to give what its host gives directly (C0), so a test of the contract compares with a
direct request to the same host, or takes what may be expected of it from here.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """How a fault route ends: status, the name of what leaves the application, whether it completed."""

    status: int
    raised: str | None
    complete: bool


# A 500 of the framework's own; the same and then raised on; nothing sent.
_PAGE = Fault(500, None, True)
_NULL = Fault(200, None, True)
_EXIT = Fault(500, "SystemExit", False)
_HALF = Fault(200, "RuntimeError", False)


def _faults(raising: Fault, nothing: Fault, half: Fault = _HALF) -> dict[str, Fault]:
    return {"/raise": raising, "/nothing": nothing, "/half": half, "/exit": _EXIT}


FAULTS = {
    "asgi": _faults(Fault(500, "RuntimeError", False), Fault(500, None, False)),
    "wsgi": _faults(Fault(500, "RuntimeError", False), Fault(500, None, False)),
    # Starlette sends its 500 and then raises all the same.
    "starlette": _faults(Fault(500, "RuntimeError", True), Fault(500, "TypeError", True)),
    # To FastAPI and Litestar None is content, the JSON `null`; to Falcon and Bottle it is an empty body.
    "fastapi": _faults(Fault(500, "RuntimeError", True), _NULL),
    "litestar": _faults(_PAGE, _NULL, Fault(200, "LitestarException", False)),
    "falcon-asgi": _faults(_PAGE, _NULL),
    "falcon-wsgi": _faults(_PAGE, _NULL),
    "bottle": _faults(_PAGE, _NULL),
    "quart": _faults(_PAGE, _PAGE),
    "flask": _faults(_PAGE, _PAGE),
    "django-asgi": _faults(_PAGE, _PAGE),
    "django-wsgi": _faults(_PAGE, _PAGE),
    # Pyramid has no page of last resort.
    "pyramid": _faults(Fault(500, "RuntimeError", False), Fault(500, "ValueError", False)),
}

# Hosts that do not answer HEAD on a route that has GET, but with 405.
NO_HEAD = {"fastapi", "litestar", "falcon-asgi", "falcon-wsgi"}
# OPTIONS on a route that does not name it; all others answer 405.
OPTIONS = {
    "litestar": 204,
    "quart": 200,
    "flask": 200,
    "falcon-asgi": 200,
    "falcon-wsgi": 200,
    "pyramid": 404,
}
# A missing (`/teams`) or additional (`/tasks/`) slash at the end; all others answer 404 to both.
SLASHES = {
    "starlette": (307, 307),
    "fastapi": (307, 307),
    "quart": (308, 404),
    "flask": (308, 404),
    # Litestar does not tell the two apart.
    "litestar": (200, 200),
    # To Falcon the additional one is `/tasks/{id}` with an empty id.
    "falcon-asgi": (404, 200),
    "falcon-wsgi": (404, 200),
}

# Headers that a response holds only once: the values are joined with a comma.
JOINS_HEADERS = {"falcon-asgi", "falcon-wsgi", "django-asgi", "django-wsgi"}
# Cookies are parsed and written anew, attributes in alphabetical order; on WSGI a space stays in front.
REWRITES_COOKIES = {"django-asgi", "django-wsgi"}
# A content type is named even where the handler names none.
NAMES_CONTENT_TYPE = {"litestar": "application/json", "bottle": "text/html; charset=UTF-8"}
# Werkzeug's and Bottle's WSGI responses take the content headers away from a 304.
STRIPS_304 = {"flask", "bottle"}
# The ASGI specification asks for header names in lower case.
CAPITAL_HEADERS = {"django-asgi"}
# Routes by the whole `path` of the scope: a `root_path` in front of it, as uvicorn has it, makes it a 404.
KEEPS_ROOT_PATH = {"falcon-asgi"}
# A task of the framework's own lets `SystemExit` leave the event loop (Django until 6.0).
EXIT_LEAVES_LOOP = {"quart", "django-asgi"}
