# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUntypedBaseClass=false, reportUnknownArgumentType=false
# (Django has no types.)
"""Django's test client and live server with the batch route in front, since Django's own load no wsgi.py or asgi.py.

    class BatchTests(TestCase):
        client_class = BatchClient                          # self.client.post("/api/batch", {...}, "application/json")

    class BrowserTests(LiveServerTestCase):
        server_thread_class = BatchLiveServerThread

    class APIBatchClient(BatchRoute, APIClient): ...        # for any other client, such as REST framework's

The route is that of the project's `WSGI_APPLICATION`, or `ASGI_APPLICATION`, and else what `settings.BATCHWARE` says.
The client runs actions one by one in the thread of the test, so that they are inside of its transaction; so does the
live server where it shares a database connection with the test (SQLite in memory). Elsewhere it runs them in parallel.
What a view raises is raised again by the client, as ever: `BatchClient(raise_request_exception=False)` shows the 500.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing, nullcontext
from typing import Any, ClassVar

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import Client
from django.test.testcases import LiveServerThread

from ..config import BatchConfig, BatchOptions
from ..contract.nesting import mark_of
from ..integrations.django import config_from_settings
from ..integrations.django.route import route_in
from ..replay.environ import native
from ..wsgi import BatchMiddleware

__all__ = ["BatchClient", "BatchLiveServerThread", "BatchRoute"]

_IN_THIS_THREAD: BatchOptions = {"threads": 0, "action_timeout": None}


class BatchRoute:
    """Before a test client among the bases of a class: gives that client the batch route.

    `batch_options` are options over those of the project, such as `{"limits": []}`.
    """

    batch_options: ClassVar[BatchOptions] = {}

    handler: Any
    """The client's own, through which each of its requests goes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = type(self.handler)
        self.handler.__class__ = type(kind.__name__, (_Routed, kind), {})
        self.handler.put_route({**_IN_THIS_THREAD, **self.batch_options})


class BatchClient(BatchRoute, Client):  # type: ignore[misc]  # has no types
    """`django.test.Client` with the batch route in front."""


class BatchLiveServerThread(LiveServerThread):  # type: ignore[misc]  # has no types
    """The thread of a `LiveServerTestCase`, or a `StaticLiveServerTestCase`, with the batch route in front."""

    def __init__(self, host: str, static_handler: Callable[[Any], Any], **kwargs: Any) -> None:
        shares = bool(kwargs.get("connections_override"))
        options: BatchOptions = _IN_THIS_THREAD if shares else {}

        def handler(application: Any) -> Any:
            return static_handler(BatchMiddleware(application, config=_project(), **options))

        super().__init__(host, handler, **kwargs)


def _project() -> BatchConfig:
    route = route_in("WSGI_APPLICATION") or route_in("ASGI_APPLICATION")
    return config_from_settings() if route is None else route.config


class _Routed:
    """Before the class of a client's handler, which makes an `HttpResponse` of an environ."""

    _middleware: BatchMiddleware
    _direct: Any

    def put_route(self, options: BatchOptions) -> None:
        self._middleware = BatchMiddleware(self._serve, config=_project(), **options)

    def __call__(self, environ: dict[str, Any]) -> Any:
        """The handler's own response to a direct request; for a batch, one that is made of its answer."""
        self._direct = None
        status, headers = "", list[tuple[str, str]]()

        def start_response(line: str, fields: list[tuple[str, str]], exc_info: Any = None) -> None:
            nonlocal status, headers
            status, headers = line, fields

        answer = self._middleware(environ, start_response)
        with closing(answer) if hasattr(answer, "close") else nullcontext():  # type: ignore[type-var]  # it has close()
            body = b"".join(answer)
        if self._direct is not None:
            for name, value in headers:  # those that the middleware has added
                self._direct.headers.setdefault(name, value)
            return self._direct
        response: Any = HttpResponse(body, status=int(status[:3]))
        del response["Content-Type"]
        for name, value in headers:
            if name.lower() == "set-cookie":
                response.cookies.load(value)
            else:
                response[name] = value
        response.wsgi_request = WSGIRequest(environ)
        return response

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The host below the route, as a WSGI application."""
        response: Any = super().__call__(environ)  # type: ignore[misc]  # Django has no types
        cookies = [("Set-Cookie", morsel.OutputString()) for morsel in response.cookies.values()]
        start_response(f"{response.status_code} {response.reason_phrase}", [*response.items(), *cookies])
        if mark_of(environ) is None and environ["PATH_INFO"] != native(self._middleware.config.path):
            self._direct = response  # which is given to the test as it is, contexts and all
            return []
        # The client's handler closes it, so that the test's database connection stays open; closed again it would not.
        return iter(response)  # type: ignore[no-any-return]  # as above
