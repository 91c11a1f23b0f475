"""The routes of a host, as templates that rules can be held against: `/tasks/{id}`, `/files/{path...}`."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ..contract.patterns import fold
from .frameworks import name_of

Kind = Literal["async", "sync", "blocking", "unknown"]
"""How a handler runs: on the event loop, in a thread, on the event loop though it is a plain function, or who knows."""

_GUARD = "batchware.contract.guard"


@dataclass(frozen=True)
class Endpoint:
    """One route. `methods` is None where the framework leaves them to the handler."""

    path: str
    methods: frozenset[str] | None
    handler: Any = None
    kind: Kind = "unknown"

    @property
    def name(self) -> str:
        return name_of(self.handler) if self.handler is not None else ""

    @property
    def sample(self) -> str:
        """A path that the template matches."""
        return re.sub(r"\{[^{}]*\}", "1", self.path)

    @property
    def takes_files(self) -> bool:
        """Whether the handler's own signature asks for an upload, as FastAPI's and Litestar's do."""
        annotations: dict[str, Any] = getattr(self.handler, "__annotations__", None) or {}
        return any("UploadFile" in str(annotation) for annotation in annotations.values())

    def guarded(self, method: str) -> bool:
        """Whether the handler itself refuses to be batched (C34)."""
        return any(_refuses(found) for found in (self.handler, *_methods_of(self.handler, method)) if found is not None)


def template(path: str, rest: Iterable[str] = ()) -> str:
    """A template out of what a framework writes (`<int:id>`, `{id:int}`, `{id}`); `rest` names parameters that match
    across slashes, beside those whose converter is called `path`."""
    across = frozenset(rest)

    def parameter(found: re.Match[str]) -> str:
        inner = found.group(1) or found.group(2)
        first, colon, second = inner.partition(":")
        name, converter = (second, first) if found.group(1) and colon else (first, second)
        rest = name in across or converter.startswith("path") or converter.endswith((".*", ".+"))
        return f"{{{name}...}}" if rest else f"{{{name}}}"

    return re.sub(r"<([^<>]+)>|\{((?:[^{}]|\{[^{}]*\})+)\}", parameter, path) or "/"


def overlaps(pattern: str, path: str) -> bool:
    """Whether some path that `path`, a template, matches is one that `pattern`, a rule's, means."""
    return _overlaps(
        [segment for segment in pattern.split("/") if segment], [segment for segment in path.split("/") if segment]
    )


def _overlaps(rule: list[str], route: list[str]) -> bool:
    if rule == ["**"] or (rule and rule[0] == "**"):
        return True
    if route and route[0].endswith("...}"):
        return bool(rule)
    if not rule or not route:
        return not rule and not route
    free = "{" in rule[0] or "{" in route[0]
    return (free or fold(rule[0]) == fold(route[0])) and _overlaps(rule[1:], route[1:])


def kind_of(handler: Any, *, plain: Kind = "sync") -> Kind:
    """How a handler runs where plain functions run as `plain`."""
    while callable(getattr(handler, "func", None)):  # a partial
        handler = handler.func
    call = handler if inspect.isroutine(handler) else getattr(handler, "__call__", handler)  # noqa: B004  # the method itself is wanted, to look into
    return "async" if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call) else plain


def _methods_of(handler: Any, method: str) -> Iterable[Any]:
    """Of a class of views: what it dispatches with, and what answers `method`."""
    view = getattr(handler, "view_class", None) or getattr(handler, "cls", None)
    for owner in (view, handler if isinstance(handler, type) else None):
        if owner is None:
            continue
        actions: dict[str, str] = getattr(handler, "actions", None) or {}
        names = (
            "dispatch",
            "dispatch_request",
            method.lower(),
            f"on_{method.lower()}",
            actions.get(method.lower(), ""),
        )
        yield from (getattr(owner, name) for name in names if name and hasattr(owner, name))


def _refuses(function: Any) -> bool:
    """Whether `not_batchable` stands somewhere among the decorators of a function."""
    guard = getattr(sys.modules.get(_GUARD), "__file__", None)
    for _ in range(20):
        function = getattr(function, "__func__", function)
        code = getattr(function, "__code__", None)
        if code is not None and code.co_filename == guard:
            return True
        function = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        if function is None:
            return False
    return False
