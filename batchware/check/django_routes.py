"""Django's URLs, those of its REST framework among them, as endpoints."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

from .endpoints import Endpoint, Kind, template

_VERBS = ("get", "head", "post", "put", "patch", "delete")


def django_endpoints() -> Iterator[Endpoint]:
    """Everything that the root of the URLs leads to."""
    resolver: Any = getattr(sys.modules.get("django.urls"), "get_resolver", None)
    return _below(resolver(), "/") if resolver is not None else iter(())


def _below(resolver: Any, prefix: str) -> Iterator[Endpoint]:
    for entry in resolver.url_patterns:
        path = prefix + _written(entry.pattern)
        if hasattr(entry, "url_patterns"):
            yield from _below(entry, path)
        else:
            yield Endpoint(template(path), _methods(entry.callback), entry.callback, _kind(entry.callback))


def _written(pattern: Any) -> str:
    """A pattern as a route; of a regular expression what is legible of it."""
    route = getattr(pattern, "_route", None)
    if route is not None:
        return str(route)
    text = re.sub(r"^\^|\\Z$|\$$", "", str(pattern))
    text = re.sub(r"\(\?P<(\w+)>\.[*+]\)", r"<path:\1>", text)
    text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)[+*?]?", r"<\1>", text)
    return re.sub(r"\\([./-])", r"\1", text).replace("/?", "")


def _methods(callback: Any) -> frozenset[str] | None:
    """The methods of a class of views, and of a function that says so by Django's decorators; else None."""
    if actions := getattr(callback, "actions", None):  # a view set of the REST framework
        return frozenset(str(method).upper() for method in actions)
    view = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
    if view is None:
        return _required(callback)
    return frozenset(name.upper() for name in _VERBS if name in view.http_method_names and hasattr(view, name))


def _required(function: Any) -> frozenset[str] | None:
    """What `require_http_methods` holds in its closure."""
    while function is not None:
        code = getattr(function, "__code__", None)
        for name, cell in zip(
            getattr(code, "co_freevars", ()), getattr(function, "__closure__", None) or (), strict=True
        ):
            if name == "request_method_list":
                return frozenset(map(str, cell.cell_contents))
        function = getattr(function, "__wrapped__", None)
    return None


def _kind(callback: Any) -> Kind:
    view = getattr(callback, "view_class", None)
    is_async = getattr(view, "view_is_async", False) or inspect.iscoroutinefunction(callback)
    return "async" if is_async else "sync"
