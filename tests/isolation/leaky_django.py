"""Django, on both doors: its request, its settings of a thread, its sessions and its database connections.

The database is a handler of its own with SQLite in memory, and the receivers that Django has for its default one: each
connection is begun anew with a request and closed with its end, in the thread that used it.
"""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import parse_qsl

from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db.utils import ConnectionHandler
from django.http import JsonResponse
from django.urls import get_urlconf, path, set_urlconf
from django.utils import timezone, translation

from tests.hosts import django_host
from tests.isolation.channels import (
    Channel,
    anywhere,
    attempt,
    attempt_async,
    attribute,
    item,
    of_environ,
    of_scope,
)

LANGUAGES = ("de", "fr", "it", "es", "nl", "da", "sv", "pl", "pt", "tr")

connections = ConnectionHandler({"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
_opened: dict[int, Any] = {}  # those of all threads, past and present


def close_all() -> None:
    for connection in _opened.values():
        connection.close()
    _opened.clear()


def _begin(**kwargs: Any) -> None:
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()
        connection.close_if_unusable_or_obsolete()


def _end(**kwargs: Any) -> None:
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()


request_started.connect(_begin)
request_finished.connect(_end)


def _named(value: Any) -> str | None:
    return value if isinstance(value, str) and value.startswith("left") else None


def _language() -> str | None:
    language = translation.get_language()
    return f"left-{LANGUAGES.index(language)}" if language in LANGUAGES else None


def _zone(name: str) -> datetime.timezone:
    return datetime.timezone(datetime.timedelta(minutes=1), name)


def of_threads() -> list[Channel]:
    """What Django keeps by thread or by context."""
    return [
        Channel("the language", _language, lambda name: translation.activate(LANGUAGES[int(name[-1])])),
        Channel(
            "the time zone",
            lambda: _named(timezone.get_current_timezone_name()),
            lambda name: timezone.activate(_zone(name)),
        ),
        Channel("the URL configuration", lambda: _named(get_urlconf()), set_urlconf),
    ]


def of_database() -> list[Channel]:
    """A connection of this thread: its queries, and an object that is left at it."""
    connection = connections["default"]
    connection.ensure_connection()
    _opened[id(connection.connection)] = connection.connection
    connection.force_debug_cursor = True

    def queries() -> str | None:
        found = [query["sql"] for query in connection.queries_log if "left" in query["sql"]]
        return found[-1].split("'")[1] if found else None

    def ask(name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT '{name}'")

    assert not connection.in_atomic_block
    return [Channel("the queries of the connection", queries, ask)]


def of_request(request: Any) -> list[Channel]:
    """What belongs to one request."""
    session = SessionStore(request.COOKIES.get("sessionid"))
    return [attribute("the request", request), item("META", request.META), item("the session", session)]


def _view(request: Any) -> JsonResponse:
    frame = of_environ(request.environ) if hasattr(request, "environ") else []
    query = dict(parse_qsl(request.META["QUERY_STRING"]))
    return JsonResponse(attempt([*anywhere(), *frame, *of_threads(), *of_database(), *of_request(request)], query))


async def _async_view(request: Any) -> JsonResponse:
    query = dict(parse_qsl(request.META["QUERY_STRING"]))
    channels = [*anywhere(), *of_scope(request.scope), *of_threads(), *of_request(request)]
    return JsonResponse(await attempt_async(channels, query))


urlpatterns = (path("leak", _view),)
_async_urlpatterns = (path("leak", _async_view), path("leak-sync", _view))


def make_wsgi() -> Any:
    """The WSGI handler with these views."""
    django_host.make_wsgi()

    class Handler(WSGIHandler):
        def resolve_request(self, request: Any) -> Any:
            request.urlconf = urlpatterns
            return super().resolve_request(request)

    return Handler()


def make_asgi() -> Any:
    """The ASGI handler with these views."""
    django_host.make_asgi()

    class Handler(ASGIHandler):
        def resolve_request(self, request: Any) -> Any:
            request.urlconf = _async_urlpatterns
            return super().resolve_request(request)

    return Handler()
