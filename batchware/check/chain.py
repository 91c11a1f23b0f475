"""The layers of an application, from the outermost middleware to the host.

There is no protocol for what a middleware wraps. So this looks where middleware keeps it: the usual attributes, what a
closure or a `partial` holds, and what frameworks keep for later (Starlette builds its stack at the first request).
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from .frameworks import framework_of, is_batch, is_batch_class, name_of

DEEPEST = 40  # layers; more is a circle

_ATTRIBUTES = (
    "app", "wsgi_app", "asgi_app", "application", "_app", "_application", "wrapped", "_wrapped", "inner", "handler",
    "asgi", "wsgi", "get_response", "__wrapped__",
)  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """One middleware, or the host. `mount` is the prefix below which it is."""

    node: Any
    mount: str = ""
    wrong: str | None = None
    """Why a `BatchMiddleware` that is still to be made can't be."""
    written_as: str = ""
    """Its name where the object hides it."""

    @property
    def name(self) -> str:
        return self.written_as or name_of(self.node)

    @property
    def is_batch(self) -> bool:
        return is_batch(self.node)


Chain = tuple[Layer, ...]
"""From the outside in; the last one is the host, known or not."""


def chains(app: Any) -> list[Chain]:
    """Every way from `app` down to a host; several where something on the way dispatches by path."""
    return list(_walk(app, (), "", 0))


def _walk(node: Any, above: Chain, mount: str, depth: int) -> Iterator[Chain]:
    if depth > DEEPEST:
        return
    if is_batch(node):
        yield from _walk(node.app, (*above, Layer(node, mount)), mount, depth + 1)
        return
    framework = framework_of(node)
    if framework in ("FastAPI", "Starlette"):
        yield from _starlette(node, above, mount, depth)
    elif framework in ("Flask", "Quart"):
        entry = getattr(node, "wsgi_app" if framework == "Flask" else "asgi_app")
        if getattr(entry, "__self__", None) is node:
            yield (*above, Layer(node, mount))
        else:
            yield from _walk(entry, above, mount, depth + 1)
    elif framework is not None:
        yield (*above, Layer(node, mount))
    elif isinstance(node, types.MethodType) and framework_of(node.__self__):
        yield (*above, Layer(node.__self__, mount))  # what Flask and Quart call their own
    else:
        yield from _unknown(node, above, mount, depth)


def _unknown(node: Any, above: Chain, mount: str, depth: int) -> Iterator[Chain]:
    """A middleware of any make; where nothing behind it is known, it is taken for the host itself."""
    here = (*above, Layer(node, mount))
    mounts: Any = getattr(node, "mounts", None)  # werkzeug's dispatcher
    if isinstance(mounts, dict):
        for prefix, inner in cast("dict[str, Any]", mounts).items():
            yield from _walk(inner, here, mount + prefix, depth + 1)
    for inner in _candidates(node):
        found = list(_walk(inner, here, mount, depth + 1))
        if any(framework_of(chain[-1].node) or any(layer.is_batch for layer in chain[len(here) :]) for chain in found):
            yield from found
            return
    yield here


def _candidates(node: Any) -> Iterator[Any]:
    for name in _ATTRIBUTES:
        inner: Any = getattr(node, name, None)
        if _may_be_app(inner) and inner is not node:
            yield inner
    if _is_partial(node):
        yield from filter(_may_be_app, (*node.args, *node.keywords.values(), node.func))
    function: Any = getattr(node, "__func__", node)
    for cell in getattr(function, "__closure__", None) or ():
        try:
            inner = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        if _may_be_app(inner):
            yield inner


def _is_partial(node: Any) -> bool:
    return isinstance(node, functools.partial)


def _may_be_app(value: Any) -> bool:
    return callable(value) and not isinstance(value, type | types.BuiltinFunctionType)


# --- Starlette and FastAPI: a stack that is not built before the first request


def _starlette(app: Any, above: Chain, mount: str, depth: int) -> Iterator[Chain]:
    layers = [*above]
    own = cast("dict[str, Any]", vars(app))
    if (replaced := own.get("build_middleware_stack")) is not None:
        # Who instruments an application puts itself outside of its stack, by a function that poses as the original.
        code = getattr(getattr(replaced, "__func__", replaced), "__code__", None)
        name: str = getattr(code, "co_qualname", "")
        layers.append(Layer(replaced, mount, written_as=name.replace("<locals>.", "")))
    for middleware in app.user_middleware:
        kind, args, options = middleware
        layers.append(_to_be_made(kind, args, options, mount))
    host = (*layers, Layer(app, mount))
    yield host
    for route in routes_of(app.routes):
        inner = getattr(route, "app", None)
        if inner is None or not hasattr(route, "routes"):
            continue
        for chain in _walk(inner, host, mount + getattr(route, "path", ""), depth + 1):
            if any(layer.is_batch for layer in chain[len(host) :]):  # else it is a route like any other
                yield chain


def _to_be_made(kind: Any, args: Any, options: Any, mount: str) -> Layer:
    """A middleware that Starlette has yet to make; ours is made here, around nothing, for what its options come to."""
    if not is_batch_class(kind):
        return Layer(kind, mount)
    make = cast("Callable[..., Any]", kind)
    try:
        return Layer(make(_nothing, *args, **options), mount)
    except (TypeError, ValueError) as error:
        return Layer(kind, mount, str(error))


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """Stands where the host will be."""


def routes_of(routes: Any) -> Iterator[Any]:
    """Starlette's routes, and those of the routers that FastAPI has included."""
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from routes_of(route.effective_candidates())
        elif getattr(route, "starlette_route", None) is not None:
            yield route.starlette_route
        else:
            yield route
