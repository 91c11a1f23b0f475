"""Below which prefixes batches are tried: who takes the prefix off, or is told that somebody has.

- uvicorn's `--root-path` puts the prefix in front of every path; hypercorn's and Daphne's only name it, and then URLs
  that an application builds from a path lack it. granian's `--url-path-prefix` on ASGI is for paths that have it.
- gunicorn takes `SCRIPT_NAME` from its environment, waitress from `--url-prefix`, uWSGI from `--mount` with
  `--manage-script-name`, granian from `--url-path-prefix`, which cuts off every path as many letters as it has.
- nginx's `uwsgi_pass` names the type and length of a body among the headers too (`HTTP_CONTENT_TYPE`).
- Falcon on ASGI routes by the whole path, so below a root path that is part of it a direct request is a 404 as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.matrix import nginx
from tests.matrix.cells import ASGI_HOSTS, WSGI_HOSTS
from tests.matrix.placed_hosts import ELSEWHERE, PATH
from tests.matrix.servers import DAPHNE, PREFIX, UWSGI_MOUNTED, UWSGI_SOCKET, WAITRESS_PREFIXED
from tests.servers.kinds import (
    GRANIAN,
    GRANIAN_WSGI,
    GUNICORN,
    GUNICORN_GEVENT,
    GUNICORN_SYNC,
    HYPERCORN,
    UVICORN,
    UVICORN_H11,
    WAITRESS,
    Server,
)

ROOT_PATH = {"more": ("--root-path", PREFIX)}
SCRIPT_NAME = {"environment": {"SCRIPT_NAME": PREFIX}}
MOUNT = {"mount": PREFIX}


@dataclass(frozen=True)
class Placement:
    """`how` is for `running`; `sent` is the prefix that the client writes, `forward` what nginx does with it."""

    name: str
    server: Server
    host: str
    how: dict[str, Any] = field(default_factory=dict, hash=False)
    path: str = PATH
    sent: str = PREFIX
    forward: str = ""
    shown: bool = True
    """Whether the URL that the application builds of its own path has the prefix."""

    @property
    def id(self) -> str:
        return f"{self.name}, {self.host} on {self.server.id}"


def _every(name: str, server: Server, hosts: dict[str, str], **more: Any) -> list[Placement]:
    return [Placement(name, server, host, **more) for host in hosts.values() if host != "falcon-asgi"]


MOUNTED = "Starlette `Mount`"
SUB_APPLICATION = "FastAPI sub-application"
TOLD = "the server's `root_path`"
OWN = "FastAPI's own `root_path`"
DISPATCHED = "werkzeug `DispatcherMiddleware`"
NAMED = "the server's `SCRIPT_NAME`"
STRIPPED = "nginx that takes the prefix off"
WHOLE = "nginx that leaves it in the path"
FORWARDED = "nginx with `X-Forwarded-Prefix`, werkzeug `ProxyFix`"
SPOKEN = "nginx that speaks uWSGI's protocol"

PLACEMENTS = (
    *(Placement(MOUNTED, UVICORN, host, MOUNT) for host in ("starlette", "fastapi")),
    Placement(SUB_APPLICATION, UVICORN, "fastapi-sub", path=ELSEWHERE),
    Placement(SUB_APPLICATION, UVICORN_H11, "fastapi-with-sub", path=PREFIX + PATH),
    *_every(TOLD, UVICORN, ASGI_HOSTS, how=ROOT_PATH, sent=""),
    Placement(TOLD, UVICORN_H11, "fastapi", ROOT_PATH, sent=""),
    Placement(TOLD, HYPERCORN, "fastapi", ROOT_PATH, sent="", shown=False),
    Placement(TOLD, DAPHNE, "django-asgi", ROOT_PATH, sent="", shown=False),
    Placement(TOLD, GRANIAN, "starlette", {"more": ("--url-path-prefix", PREFIX)}),
    Placement(OWN, UVICORN, "fastapi-root-path", path=ELSEWHERE, sent="", shown=False),
    *(Placement(DISPATCHED, WAITRESS, host, MOUNT) for host in ("flask", "django-wsgi")),
    *_every(NAMED, GUNICORN, WSGI_HOSTS, how=SCRIPT_NAME),
    *(Placement(NAMED, server, "flask", SCRIPT_NAME) for server in (GUNICORN_SYNC, GUNICORN_GEVENT)),
    Placement(NAMED, WAITRESS_PREFIXED, "flask"),
    Placement(NAMED, GRANIAN_WSGI, "flask", {"more": ("--url-path-prefix", PREFIX), **SCRIPT_NAME}),
    Placement(NAMED, UWSGI_MOUNTED, "django-wsgi"),
    Placement(STRIPPED, UVICORN, "fastapi", ROOT_PATH, forward=nginx.STRIPPED),
    Placement(STRIPPED, UVICORN, "fastapi-root-path", path=ELSEWHERE, forward=nginx.STRIPPED, shown=False),
    Placement(WHOLE, GUNICORN, "flask", SCRIPT_NAME, forward=nginx.WHOLE),
    *(
        Placement(FORWARDED, GUNICORN, host, path=path, forward=nginx.FORWARDED)
        for host, path in (("flask-in-proxy-fix", ELSEWHERE), ("flask-out-of-proxy-fix", PATH))
    ),
    Placement(SPOKEN, UWSGI_SOCKET, "django-wsgi", forward=nginx.UWSGI_PROTOCOL),
)
