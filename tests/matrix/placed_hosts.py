"""Hosts that have batchware in a place of their own: in a sub-application, below a root path, behind a proxy's headers.

Around them all stands the batch route of `tests.servers.application` too, at `ELSEWHERE` where it is not the one meant.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from batchware import asgi, wsgi
from tests.hosts import fastapi_host, flask_host
from tests.matrix.servers import PREFIX

PATH = "/api/1.0/batch"
ELSEWHERE = "/elsewhere/batch"


def fastapi_sub_application() -> Any:
    """The sub-application has the middleware, as an application has that is later mounted in another one."""
    inner = fastapi_host.make()
    inner.add_middleware(asgi.BatchMiddleware, path=PATH)
    return _mounting(inner)


def fastapi_with_sub_application() -> Any:
    """The middleware is around the outer application; actions find their way into the inner one."""
    return _mounting(fastapi_host.make())


def _mounting(inner: Any) -> Any:
    outer = FastAPI(openapi_url=None)
    outer.mount(PREFIX, inner)
    return outer


def fastapi_with_root_path() -> Any:
    """`FastAPI(root_path=...)`, which goes into the scope before its middleware; the proxy in front took it off."""
    app = FastAPI(openapi_url=None, root_path=PREFIX)
    app.include_router(_routes())
    app.add_middleware(asgi.BatchMiddleware, path=PATH)
    return app


def _routes() -> APIRouter:
    router = APIRouter()
    router.routes.extend(fastapi_host.make().routes)
    return router


def flask_inside_proxy_fix() -> Any:
    return ProxyFix(wsgi.BatchMiddleware(flask_host.make(), path=PATH), x_prefix=1)


def flask_outside_proxy_fix() -> Any:
    """Each action goes through `ProxyFix`, with the headers that the proxy gave to the batch."""
    return ProxyFix(flask_host.make(), x_prefix=1)
