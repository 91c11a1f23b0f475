"""What the matrix is: the frameworks, the servers, and a cell for each pair of the same door."""

from __future__ import annotations

from dataclasses import dataclass

from tests.hosts import Host
from tests.matrix.hosts import host_named
from tests.matrix.servers import DAPHNE, HYPERCORN_H2, UWSGI
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

ASGI_SERVERS = {
    "uvicorn, httptools, uvloop": UVICORN,
    "uvicorn, h11, asyncio": UVICORN_H11,
    "hypercorn, HTTP/1": HYPERCORN,
    "hypercorn, HTTP/2": HYPERCORN_H2,
    "granian": GRANIAN,
    "daphne": DAPHNE,
}
WSGI_SERVERS = {
    "gunicorn sync": GUNICORN_SYNC,
    "gunicorn gthread": GUNICORN,
    "gunicorn gevent": GUNICORN_GEVENT,
    "waitress": WAITRESS,
    "uWSGI": UWSGI,
    "granian": GRANIAN_WSGI,
}
ASGI_HOSTS = {
    "Starlette": "starlette",
    "FastAPI": "fastapi",
    "Litestar": "litestar",
    "Quart": "quart",
    "Falcon": "falcon-asgi",
    "Django": "django-asgi",
    "Django REST framework": "drf-asgi",
    "Django Ninja": "ninja",
    "BlackSheep": "blacksheep",
}
WSGI_HOSTS = {
    "Flask": "flask",
    "Django": "django-wsgi",
    "Django REST framework": "drf-wsgi",
    "Bottle": "bottle",
    "Pyramid": "pyramid",
    "Falcon": "falcon-wsgi",
}


FEW = 12
"""What the limit of the cells lets through in an hour; it counts nothing but `/users/...`."""


@dataclass(frozen=True)
class Cell:
    """A framework on a server, each by the name that it has in the table."""

    framework: str
    server_name: str
    host: Host
    server: Server

    @property
    def id(self) -> str:
        return f"{self.host.id}-on-{self.server.id}"


def _cells(hosts: dict[str, str], servers: dict[str, Server]) -> list[Cell]:
    return [
        Cell(framework, name, host_named(host), server)
        for name, server in servers.items()
        for framework, host in hosts.items()
    ]


CELLS = (*_cells(ASGI_HOSTS, ASGI_SERVERS), *_cells(WSGI_HOSTS, WSGI_SERVERS))
