# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (Django and its REST framework have no types.)
"""Django REST framework: the throttles of its views are asked for all actions of a batch before anything runs.

    application = BatchMiddleware(application, path="/api/batch", **drf_limits("asgi"))     # or "wsgi"

For each action a Django request is made, with the same scope or environ that its child request will have; the view is
found by the URL resolver and made as `as_view` makes it, and its own `initial()` runs up to its throttles: content
negotiation, version, authentication, permissions. So an action that a direct request would not have been counted for
(401, 403, 404, 406) is not counted, and users are throttled as themselves; but what these steps do, they do twice. The
handler does not run. If one of all throttles has no room for the sum, the batch is 429, nothing runs and nothing is
spent; what happens when two requests want the last room at once is said in `admission`. Throttles of DRF are no more
atomic themselves: they read the history of a client, and write it back.

Of Django's middleware only that for sessions and for users runs before, where the project has it, since
`SessionAuthentication` needs it; `middleware` names others, paths as in `settings.MIDDLEWARE`, that authentication or
permissions depend on.

Understood are throttles that count as `SimpleRateThrottle` does: Anon-, User- and ScopedRateThrottle, and subclasses
with other keys, scopes, rates, caches and timers. Where a subclass has an `allow_request`, a `throttle_success` or a
`throttle_failure` of its own it can't be known whether it still counts so. Name it in `throttles` if it does. If not,
and for every other throttle, it is asked when the action runs, as for a direct request, and only that action is 429.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Literal

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections, connections
from django.http import Http404, HttpResponse
from django.urls import resolve
from django.utils.module_loading import import_string
from msgspec.structs import replace
from rest_framework.exceptions import APIException
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from ..config import BatchOptions
from ..contract.limiter import AsyncLimiter, Limiter
from ..contract.limits import Limit
from ..contract.model import Action, Parent
from ..contract.nesting import Mark, current
from ..contract.paths import quote_path
from ..replay.environ import EnvironBuilder
from ..replay.scope import ScopeBuilder
from .admission import Bill, Counted, Debt
from .drf_throttles import Owed, install, noting
from .host_limiter import AsyncHostLimiter, HostLimiter, options

__all__ = ["SESSION_AND_USER", "drf_limits"]

log = logging.getLogger("batchware")

SESSION_AND_USER = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)
"""The middleware that runs before the throttles are asked, where the project has it."""


def drf_limits(
    door: Literal["asgi", "wsgi"],
    *,
    middleware: Collection[str] = SESSION_AND_USER,
    throttles: Sequence[type[SimpleRateThrottle]] = (),
    limits: Sequence[Limit] = (),
    limiter: Limiter | AsyncLimiter | None = None,
    keep_keys: Collection[str] = (),
) -> BatchOptions:
    """The options for a `BatchMiddleware` of `batchware.asgi` or `batchware.wsgi` around a Django application.

    To be called where Django is set up, so after `get_asgi_application()` or `get_wsgi_application()`. `limits`,
    `limiter` and `keep_keys` are the middleware's own, if there are to be any beside. Raises `ValueError` for another
    `door`, `TypeError` for throttles that are no `SimpleRateThrottle`, `RuntimeError` for a version of DRF that does
    not count as this one does.
    """
    if wrong := [kind for kind in throttles if not issubclass(kind, SimpleRateThrottle)]:
        raise TypeError(f"drf_limits: {wrong[0].__name__} is no SimpleRateThrottle, and is asked when an action runs")
    install()
    asked = _Asked(door, middleware, tuple(throttles), keep_keys)
    if door == "wsgi":
        return options(HostLimiter("drf", asked.make_bill, limiter), limits, keep_keys)
    if door == "asgi":
        return options(AsyncHostLimiter("drf", asked.await_bill, _in_a_thread, limiter), limits, keep_keys)
    raise ValueError(f"drf_limits: the door is 'asgi' or 'wsgi', not {door!r}")


async def _in_a_thread(call: Callable[[], Any]) -> Any:
    """Where Django would run it: synchronous code of a request has a thread of its own."""
    async with ThreadSensitiveContext():
        return await sync_to_async(call, thread_sensitive=True)()


def _close_old_connections() -> None:
    """As Django does before and after a request; but a transaction that is open in this thread is a test's own."""
    if not any(connection.in_atomic_block for connection in connections.all(initialized_only=True)):
        close_old_connections()


class _Asked:
    """Has DRF say which throttles the actions of a batch would meet."""

    def __init__(
        self,
        door: Literal["asgi", "wsgi"],
        middleware: Collection[str],
        throttles: tuple[type[SimpleRateThrottle], ...],
        keep: Collection[str],
    ) -> None:
        self._door = door
        self._middleware = [import_string(path) for path in settings.MIDDLEWARE if path in middleware]
        self._throttles = throttles
        self._keep = keep

    async def await_bill(self, parent: Parent, actions: Sequence[Counted], failure: Exception | None) -> Bill:
        bill: Bill = await _in_a_thread(lambda: self.make_bill(parent, actions, failure))
        return bill

    def make_bill(self, parent: Parent, actions: Sequence[Counted], failure: Exception | None) -> Bill:
        if failure is not None:
            raise failure  # a cache that can't be reached; there is no other
        debts: dict[Any, Owed] = {}
        paid: list[tuple[Mark, dict[Any, int]]] = []
        request_of = self._requests(parent)
        _close_old_connections()
        try:
            for action, mark in actions:
                if not action.method or not action.path:  # without them it reaches no view (C38)
                    continue
                amounts: dict[Any, int] = {}
                for throttle in copy_context().run(self._throttles_of, request_of(action, mark or Mark()), mark):
                    amounts["drf", throttle.key] = amounts.get(("drf", throttle.key), 0) + 1
                    room = (throttle.key, throttle.num_requests, throttle.duration)
                    debts.setdefault(room, Owed(throttle)).cost += 1
                if mark is not None:
                    paid.append((mark, amounts))
        finally:
            _close_old_connections()
        owed: list[Debt] = list(debts.values())
        return Bill(owed, paid)

    def _requests(self, parent: Parent) -> Callable[[Action, Mark], Any]:
        base = parent.path.rpartition("/")[0]
        if self._door == "wsgi":
            environs = EnvironBuilder(parent.request, base=base, keep=self._keep)
            return lambda action, mark: WSGIRequest(environs.build(action, mark))
        scopes = ScopeBuilder(parent.request, base=base, state=None, keep=self._keep)

        def build(action: Action, mark: Mark) -> Any:
            scope = scopes.build(replace(action, quoted=quote_path(action.path)), mark)
            return ASGIRequest(scope, io.BytesIO(action.body or b""))

        return build

    def _throttles_of(self, request: Any, mark: Mark | None) -> list[Any]:
        """The throttles that would count `request`, resolved: with key, size and duration."""
        current.set(mark)
        found: list[Any] = []

        def end(request: Any) -> HttpResponse:
            with suppress(APIException, Http404, PermissionDenied):  # a direct request ends there too
                self._meet(request, found)
            return HttpResponse()

        call: Callable[[Any], Any] = end
        for middleware in reversed(self._middleware):
            call = middleware(call)
        try:
            call(request)
        except Exception:  # the action will meet it again, and be counted then if it gets so far
            log.warning("DRF could not resolve the throttles of an action", exc_info=True)
        return found

    def _meet(self, request: Any, found: list[Any]) -> None:
        match = request.resolver_match = resolve(request.path_info, getattr(request, "urlconf", None))
        kind = getattr(match.func, "cls", None)
        if not (isinstance(kind, type) and issubclass(kind, APIView)):
            return  # no view of DRF
        view: Any = kind(**match.func.initkwargs)
        actions = dict(getattr(match.func, "actions", None) or {})
        if actions:  # a view set: which of its methods answers which HTTP method
            if "get" in actions:
                actions.setdefault("head", actions["get"])
            view.action_map = actions
            for method, name in actions.items():
                setattr(view, method, getattr(view, name))
            view.request, view.args, view.kwargs = request, match.args, match.kwargs
        else:
            view.setup(request, *match.args, **match.kwargs)
        view.headers = view.default_response_headers
        throttles_of = view.get_throttles
        view.get_throttles = lambda: [noting(throttle, found, self._throttles) for throttle in throttles_of()]
        view.request = view.initialize_request(request, *match.args, **match.kwargs)
        view.initial(view.request, *match.args, **match.kwargs)
