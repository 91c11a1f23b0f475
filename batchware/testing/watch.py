"""Whether a handler ran, told by its code and not by what was answered.

`sys.monitoring` reports the start of exactly these code objects in every thread; before Python 3.12 the profile
functions of this thread and of threads that start meanwhile do, at the price of being called for everything.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import CodeType
from typing import Any, cast

_VERBS = ("get", "head", "post", "put", "patch", "delete")
_METHODS = (*_VERBS, *(f"on_{verb}" for verb in _VERBS), "dispatch_request")
_OF_A_SET = ("list", "create", "retrieve", "update", "partial_update", "destroy")
_FRAMEWORKS = {"django", "falcon", "flask", "litestar", "quart", "rest_framework", "starlette"}
"""What these bring themselves is the code of many views, and runs before any guard."""


class Runs:
    """How often one of the codes has begun to run."""

    def __init__(self) -> None:
        self.count = 0


def codes_of(handler: Any) -> set[CodeType]:
    """The code of a handler, below its decorators; of a class, that of its own methods that answer requests."""
    found = _unwrapped(handler)
    if isinstance(found, type):
        names = {*_METHODS, *_OF_A_SET, *(name for name, own in vars(found).items() if hasattr(own, "mapping"))}
        functions = [_unwrapped(getattr(found, name)) for name in names if hasattr(found, name)]
    else:
        kind = cast("Any", type(found))
        functions = [found if inspect.isfunction(found) else _unwrapped(kind.__call__)]
    codes = {f.__code__ for f in functions if inspect.isfunction(f) and _root(f.__module__) not in _FRAMEWORKS}
    if not codes:
        raise TypeError(
            f"handler must be your own function, or a class or an object with such methods, not {handler!r}"
        )
    return codes


def _unwrapped(handler: Any) -> Any:
    """What a handler comes to: below decorators and partials, and where a host has made a function of a class."""
    while True:
        if isinstance(handler, functools.partial):
            handler = cast("Any", handler).func
        elif inspect.ismethod(handler):
            handler = handler.__func__
        elif not isinstance(handler, type) and (inner := _inner(handler)) is not None:
            handler = inner
        else:
            return handler


def _inner(handler: Any) -> Any:
    names = ("__wrapped__", "view_class", "cls", "fn")  # Django's and Flask's classes, REST framework's, Litestar's
    return next((getattr(handler, name) for name in names if callable(getattr(handler, name, None))), None)


def _root(module: str | None) -> str:
    return (module or "").partition(".")[0]


if sys.version_info >= (3, 12):

    @contextmanager
    def watching(codes: set[CodeType]) -> Generator[Runs]:
        """Count the runs of `codes` in every thread."""
        runs, monitoring = Runs(), sys.monitoring
        tool = next((number for number in range(6) if monitoring.get_tool(number) is None), None)
        if tool is None:
            raise RuntimeError("every tool of sys.monitoring is in use; end one of them, or give no handler")
        monitoring.use_tool_id(tool, "batchware.testing")
        event = monitoring.events.PY_START

        def started(code: CodeType, offset: int) -> None:
            runs.count += 1

        try:
            monitoring.register_callback(tool, event, started)
            for code in codes:
                monitoring.set_local_events(tool, code, event)
            yield runs
        finally:
            for code in codes:
                monitoring.set_local_events(tool, code, 0)
            monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)

else:

    @contextmanager
    def watching(codes: set[CodeType]) -> Generator[Runs]:
        """Count the runs of `codes` in this thread and in those that start meanwhile."""
        runs = Runs()

        def profile(frame: Any, event: str, _: Any) -> None:
            if event == "call" and frame.f_code in codes:
                runs.count += 1

        before, before_others = sys.getprofile(), threading.getprofile()
        sys.setprofile(profile)
        threading.setprofile(profile)
        try:
            yield runs
        finally:
            sys.setprofile(before)
            threading.setprofile(before_others)
