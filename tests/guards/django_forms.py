"""Forms of views in Django and its REST framework, on both doors where that makes a difference."""

from __future__ import annotations

from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View

from batchware import not_batchable
from tests.guards.forms import Form, guard, tell
from tests.hosts.django_host import make_wsgi

make_wsgi()  # Django's settings, which REST framework reads when it is imported

from rest_framework.authentication import BaseAuthentication  # noqa: E402  # after importorskip or settings
from rest_framework.decorators import action, api_view, authentication_classes, permission_classes  # noqa: E402  # after importorskip or settings
from rest_framework.routers import SimpleRouter  # noqa: E402  # after importorskip or settings
from rest_framework.views import APIView  # noqa: E402  # after importorskip or settings
from rest_framework.viewsets import ViewSet  # noqa: E402  # after importorskip or settings

from batchware.integrations.drf_permissions import NotInBatch  # noqa: E402  # after importorskip or settings


def _open(request: HttpRequest) -> HttpResponse:
    return HttpResponse(tell("open"))


def _function(guarded: bool) -> Any:
    @guard(guarded)
    def secret(request: HttpRequest) -> HttpResponse:
        return HttpResponse(tell("secret"))

    return secret


def _coroutine(guarded: bool) -> Any:
    @guard(guarded)
    async def secret(request: HttpRequest) -> HttpResponse:
        return HttpResponse(tell("secret"))

    return secret


class _Secret(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(tell("secret"))

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(tell("secret"))


def _class(guarded: bool) -> Any:
    return guard(guarded)(type("Secret", (_Secret,), {})).as_view()


def _async_class(guarded: bool) -> Any:
    @guard(guarded)
    class Secret(View):
        async def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse(tell("secret"))

        async def post(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse(tell("secret"))

    return Secret.as_view()


def _made_view(guarded: bool) -> Any:
    return guard(guarded)(_Secret.as_view())


def _dispatch(guarded: bool) -> Any:
    decorate = method_decorator(not_batchable, name="dispatch") if guarded else guard(False)
    return decorate(type("Secret", (_Secret,), {})).as_view()


def _methods(guarded: bool) -> Any:
    class Secret(View):
        @method_decorator(guard(guarded))
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse(tell("secret"))

        @guard(guarded)
        def post(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse(tell("secret"))

    return Secret.as_view()


class _Someone(BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        return object(), None


class _ApiSecret(APIView):
    authentication_classes = (_Someone,)

    def get(self, request: Any) -> HttpResponse:
        return HttpResponse(tell("secret"))

    def post(self, request: Any) -> HttpResponse:
        return HttpResponse(tell("secret"))


def _api_class(guarded: bool) -> Any:
    return guard(guarded)(type("Secret", (_ApiSecret,), {})).as_view()


def _api_permission(guarded: bool) -> Any:
    return type("Secret", (_ApiSecret,), {"permission_classes": [NotInBatch] if guarded else []}).as_view()


def _api_function(guarded: bool) -> Any:
    @api_view(["GET", "POST"])
    @authentication_classes([_Someone])
    @guard(guarded)
    def secret(request: Any) -> HttpResponse:
        return HttpResponse(tell("secret"))

    return secret


def _api_function_above(guarded: bool) -> Any:
    return guard(guarded)(_api_function(False))


def _api_function_permission(guarded: bool) -> Any:
    @api_view(["GET", "POST"])
    @authentication_classes([_Someone])
    @permission_classes([NotInBatch] if guarded else [])
    def secret(request: Any) -> HttpResponse:
        return HttpResponse(tell("secret"))

    return secret


def _view_set(guarded: bool) -> Any:
    @guard(guarded)
    class Secrets(ViewSet):
        authentication_classes = (_Someone,)

        def list(self, request: Any) -> HttpResponse:
            return HttpResponse(tell("secret"))

        def create(self, request: Any) -> HttpResponse:
            return HttpResponse(tell("secret"))

    return _routed("secret", Secrets)


def _action(guarded: bool, *, above: bool = False, permission: bool = False) -> Any:
    """One action of a view set whose others are free; both are guarded where both would answer at `/secret`."""
    inner, outer = (guard(False), guard(guarded)) if above else (guard(guarded), guard(False))
    options = {"permission_classes": [NotInBatch]} if permission and guarded else {}
    inner = guard(False) if permission else inner

    class Secrets(ViewSet):
        authentication_classes = (_Someone,)

        def list(self, request: Any) -> HttpResponse:
            return HttpResponse(tell("open"))

        @outer
        @action(detail=False, methods=["get", "post"], **options)
        @inner
        def secret(self, request: Any) -> HttpResponse:
            return HttpResponse(tell("secret"))

    return _routed("", Secrets)


def _routed(prefix: str, view_set: Any) -> Any:
    router = SimpleRouter(trailing_slash=False)
    router.register(prefix, view_set, basename="secrets")
    return path("", include(router.urls))


def _form(id: str, view: Any, door: Any = "wsgi") -> Form:
    def make(guarded: bool) -> Any:
        found = view(guarded)
        patterns = (path("open", _open), path("secret", found) if callable(found) else found)

        class Handler(ASGIHandler if door == "asgi" else WSGIHandler):
            def resolve_request(self, request: Any) -> Any:
                request.urlconf = patterns
                return super().resolve_request(request)

        return Handler()

    return Form(f"{id}-{door}", door, make)


FORMS = (
    _form("django-function", _function),
    _form("django-function", _function, "asgi"),
    _form("django-coroutine", _coroutine),
    _form("django-coroutine", _coroutine, "asgi"),
    _form("django-class", _class),
    _form("django-class", _class, "asgi"),
    _form("django-async-class", _async_class, "asgi"),
    _form("django-made-view", _made_view, "asgi"),
    _form("django-dispatch-by-method-decorator", _dispatch),
    _form("django-methods", _methods),
    _form("drf-class", _api_class),
    _form("drf-class", _api_class, "asgi"),
    _form("drf-permission", _api_permission),
    _form("drf-permission", _api_permission, "asgi"),
    _form("drf-function", _api_function),
    _form("drf-function-above", _api_function_above),
    _form("drf-function-permission", _api_function_permission),
    _form("drf-view-set", _view_set),
    _form("drf-action", _action),
    _form("drf-action-above", lambda guarded: _action(guarded, above=True)),
    _form("drf-action-permission", lambda guarded: _action(guarded, permission=True)),
)
