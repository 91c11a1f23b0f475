"""Views of Django REST framework with every kind of throttle; `ran` counts what they did, `clock` is their time."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any, ClassVar

from django.http import HttpResponse

from batchware import in_batch
from tests.hosts.django_host import make_wsgi

make_wsgi()  # Django's settings, which DRF reads when it is imported

from django.urls import path  # noqa: E402  # after importorskip or settings
from rest_framework import throttling  # noqa: E402  # after importorskip or settings
from rest_framework.authentication import BaseAuthentication  # noqa: E402  # after importorskip or settings
from rest_framework.exceptions import AuthenticationFailed  # noqa: E402  # after importorskip or settings
from rest_framework.permissions import BasePermission  # noqa: E402  # after importorskip or settings
from rest_framework.response import Response as Answer  # noqa: E402  # after importorskip or settings
from rest_framework.views import APIView  # noqa: E402  # after importorskip or settings
from rest_framework.viewsets import ViewSet  # noqa: E402  # after importorskip or settings

from batchware.integrations.drf import drf_limits  # noqa: E402  # after importorskip or settings

__all__ = [
    "Odd", "PerUser", "SpecialCase", "Things", "View", "asked_in_batch", "clock", "drf_limits", "loops", "ran",
    "throttling",
]  # fmt: skip

ran: Counter[str] = Counter()
clock = [0.0]
asked_in_batch: list[bool] = []
loops: list[threading.Thread] = []


class User:
    is_authenticated = True

    def __init__(self, pk: str) -> None:
        self.pk = pk


class ByHeader(BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        asked_in_batch.append(in_batch())
        loops.append(threading.current_thread())
        user = request.headers.get("X-User")
        if user == "wrong":
            raise AuthenticationFailed
        return (User(user), None) if user else None


class NotForGuests(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return request.headers.get("X-User") != "guest"


class _Clocked:
    def timer(self) -> float:
        return clock[0]


class PerUser(_Clocked, throttling.UserRateThrottle):
    rate = "20/day"


class Burst(_Clocked, throttling.UserRateThrottle):
    scope = "burst"
    rate = "4/min"


class Scoped(_Clocked, throttling.ScopedRateThrottle):
    THROTTLE_RATES: ClassVar = {"uploads": "6/day", "contacts": "3/day"}


class Anonymous(_Clocked, throttling.AnonRateThrottle):
    rate = "2/day"


class SpecialCase(_Clocked, throttling.UserRateThrottle):
    scope = "special"
    rate = "2/day"

    def allow_request(self, request: Any, view: Any) -> bool:
        return request.headers.get("X-User") == "staff" or bool(super().allow_request(request, view))


class Odd(throttling.BaseThrottle):
    """Allows every client two requests, and keeps count in its own way."""

    seen: ClassVar[Counter[str]] = Counter()
    lock = threading.Lock()

    def allow_request(self, request: Any, view: Any) -> bool:
        with self.lock:
            self.seen[request.user.pk] += 1
            return self.seen[request.user.pk] <= 2


class View(APIView):
    authentication_classes = (ByHeader,)
    throttle_classes = (PerUser,)
    name = "tasks"

    def get(self, request: Any, **_: Any) -> Any:
        ran[self.name] += 1
        return Answer(self.name)


class Uploads(View):
    name = "uploads"
    throttle_classes = (Scoped,)
    throttle_scope = "uploads"


class Contacts(Uploads):
    name = "contacts"
    throttle_scope = "contacts"


class Both(View):
    name = "both"
    throttle_classes = (Burst, Scoped)
    throttle_scope = "contacts"


class Public(View):
    throttle_classes = (Anonymous,)


class Special(View):
    throttle_classes = (SpecialCase,)


class Oddly(View):
    throttle_classes = (Odd,)


class Guarded(View):
    permission_classes = (NotForGuests,)
    throttle_classes = (Burst,)


class Things(ViewSet):
    authentication_classes = (ByHeader,)

    def get_throttles(self) -> Any:
        assert self.action == "list"
        return [Burst()]

    def list(self, request: Any) -> Any:
        return Answer("things")


urlpatterns = [
    path("tasks", View.as_view()),
    path("uploads", Uploads.as_view()),
    path("contacts/<int:gid>", Contacts.as_view()),
    path("both", Both.as_view()),
    path("public", Public.as_view()),
    path("special", Special.as_view()),
    path("oddly", Oddly.as_view()),
    path("guarded", Guarded.as_view()),
    path("things", Things.as_view({"get": "list"})),
    path("plain", lambda request: HttpResponse("plain")),
]


def tagged(get_response: Any) -> Any:
    """Middleware of the project: names the user by a cookie."""

    def middleware(request: Any) -> Any:
        if "user" in request.COOKIES:
            request.META["HTTP_X_USER"] = request.COOKIES["user"]
        return get_response(request)

    return middleware
