"""The routes of each framework, read with what the application has loaded of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .chain import routes_of
from .django_routes import django_endpoints
from .endpoints import Endpoint, Kind, kind_of, template
from .frameworks import framework_of, name_of


def endpoints_of(host: Any) -> list[Endpoint] | None:
    """The endpoints of a host, or None where nothing here can tell."""
    read = _READERS.get(framework_of(host) or "")
    return None if read is None else list(read(host))


def _starlette(app: Any) -> Iterator[Endpoint]:
    return _of_routes(app.routes, "")


def _of_routes(routes: Any, prefix: str) -> Iterator[Endpoint]:
    for route in routes_of(routes):
        path = prefix + (getattr(route, "path", "") or "")
        if inner := getattr(route, "routes", None):
            yield from _of_routes(inner, path)
        elif hasattr(route, "routes"):  # a mount of something that has no routes to tell
            yield Endpoint(template(path.rstrip("/") + "/{path...}"), None, route.app)
        elif hasattr(route, "endpoint") and hasattr(route, "methods"):
            converters: Mapping[str, Any] = getattr(route, "param_convertors", {})
            across = [name for name, kind in converters.items() if type(kind).__name__ == "PathConvertor"]
            handler, methods = route.endpoint, route.methods
            if methods is None and isinstance(handler, type):
                methods = [name.upper() for name in _VERBS if hasattr(handler, name)]
            kind: Kind = "async" if isinstance(handler, type) else kind_of(handler)
            yield Endpoint(template(path, across), frozenset(methods) if methods else None, handler, kind)


def _litestar(app: Any) -> Iterator[Endpoint]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            methods = frozenset(map(str, handler.http_methods))
            if methods == frozenset({"OPTIONS"}):
                continue
            in_thread = getattr(handler, "sync_to_thread", None)
            yield Endpoint(
                template(route.path),
                methods,
                handler.fn,
                kind_of(handler.fn, plain="sync" if in_thread else "blocking"),
            )


def _werkzeug(app: Any) -> Iterator[Endpoint]:
    """Flask and Quart: one map of URLs, and a function for each of its endpoints."""
    for rule in app.url_map.iter_rules():
        if getattr(rule, "websocket", False):
            continue
        view = app.view_functions.get(rule.endpoint)
        methods = None if rule.methods is None else frozenset[str](rule.methods)
        yield Endpoint(template(rule.rule), methods, view, kind_of(view))


def _falcon(app: Any) -> Iterator[Endpoint]:
    waiting: list[Any] = list(app._router._roots)
    while waiting:
        node = waiting.pop(0)
        waiting = [*node.children, *waiting]
        responders: Mapping[str, Any] = node.method_map or {}
        for method, responder in responders.items():
            if hasattr(responder, "__self__"):  # the others are Falcon's own 405s
                yield Endpoint(template(node.uri_template), frozenset({method}), responder, kind_of(responder))


def _bottle(app: Any) -> Iterator[Endpoint]:
    for route in app.routes:
        # `<name:re:...>` and `<path:path>`: the name comes first here.
        yield Endpoint(
            template(route.rule.replace("<", "{").replace(">", "}")), frozenset({route.method}), route.callback, "sync"
        )


def _pyramid(router: Any) -> Iterator[Endpoint]:
    tell = router.registry.introspector
    routes = {entry["introspectable"]["name"]: entry["introspectable"] for entry in tell.get_category("routes") or ()}
    for entry in tell.get_category("views") or ():
        view = entry["introspectable"]
        route = routes.get(view["route_name"])
        if route is None:
            continue
        asked = view["request_methods"] or route["request_methods"]
        methods = None if asked is None else frozenset[str]([asked] if isinstance(asked, str) else asked)
        pattern: str = re.sub(r"\*(\w+)$", r"{\1:path}", route["pattern"])
        yield Endpoint(template("/" + pattern.lstrip("/")), methods, view["callable"], "sync")


_VERBS = ("get", "head", "post", "put", "patch", "delete")
_READERS: Mapping[str, Callable[[Any], Iterator[Endpoint]]] = {
    "FastAPI": _starlette,
    "Starlette": _starlette,
    "Litestar": _litestar,
    "Quart": _werkzeug,
    "Flask": _werkzeug,
    "Falcon": _falcon,
    "Django": lambda _: django_endpoints(),
    "Bottle": _bottle,
    "Pyramid": _pyramid,
}


def inner_middleware(host: Any) -> list[str]:
    """Middleware that the host keeps to itself, so that every action passes through it."""
    framework = framework_of(host) or ""
    found: list[Any] = []
    if framework == "Django":
        settings: Any = sys.modules["django.conf"].settings
        return [str(path).rpartition(".")[2] for path in settings.MIDDLEWARE]
    if framework == "Litestar":
        found = list(host.middleware)
    if framework == "Bottle":
        return [name_of(plugin) for plugin in host.plugins if type(plugin).__module__ != "bottle"]
    return [name_of(getattr(one, "middleware", one)) for one in found]
