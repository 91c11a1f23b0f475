"""Which framework an object is the application of, among those that are loaded."""

from __future__ import annotations

import sys
from typing import Any

_KINDS = (  # the more special ones first
    ("FastAPI", "fastapi", "FastAPI"),
    ("Starlette", "starlette.applications", "Starlette"),
    ("Litestar", "litestar", "Litestar"),
    ("Quart", "quart", "Quart"),
    ("Flask", "flask", "Flask"),
    ("Falcon", "falcon.asgi", "App"),
    ("Falcon", "falcon", "App"),
    ("Django", "django.core.handlers.asgi", "ASGIHandler"),
    ("Django", "django.core.handlers.wsgi", "WSGIHandler"),
    ("Bottle", "bottle", "Bottle"),
    ("Pyramid", "pyramid.router", "Router"),
)


def is_a(node: Any, module: str, name: str) -> bool:
    """Whether `node` is an instance of a class of a module that may not even be loaded."""
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and isinstance(node, found)


def framework_of(node: Any) -> str | None:
    """The framework's name, or None where `node` is no application of one that is known."""
    for name, module, attribute in _KINDS:
        if is_a(node, module, attribute):
            return name
    return None


def is_batch_class(kind: Any) -> bool:
    """Whether `kind` is the `BatchMiddleware` of either door."""
    doors = (getattr(sys.modules.get(f"batchware.{door}"), "BatchMiddleware", None) for door in ("asgi", "wsgi"))
    return isinstance(kind, type) and any(door is not None and issubclass(kind, door) for door in doors)


def is_batch(node: Any) -> bool:
    """Whether `node` is one of them, made."""
    return is_batch_class(type(node))


def name_of(node: Any) -> str:
    """What a layer or a handler is called, as short as it stays clear."""
    name: str = getattr(node, "__qualname__", None) or type(node).__qualname__
    return name.replace("<locals>.", "")
