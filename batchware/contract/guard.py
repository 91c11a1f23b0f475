"""`not_batchable`: an endpoint that says itself that it cannot be batched, where the router has already decided (C34).

The deny-list compares paths, and a path can be spelled in ways that a router knows and the list does not. This guard
asks nothing of the path: it stands in the endpoint, knows an action by its mark, and sets the action's result to 400
through that mark, so that it is 400 whatever the host makes of the exception. The mark is looked for in the running
context, and in the scope or the environ of the request that the endpoint was given, for hosts that run endpoints in
threads without a context.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from .nesting import Mark, mark_of

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

REFUSAL: Final = "this endpoint cannot be batched"
"""The message of the refusal."""

_THROUGH_ONE: Final = ("dispatch_request", "dispatch")
"""The method through which a class of views answers everything: Flask's, and Django's, its REST framework's and
Starlette's. Guarding this one guards them all, those of subclasses too."""

_VERBS: Final = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
_RESPONDERS: Final = (*_VERBS, *(f"on_{verb}" for verb in _VERBS))
"""The methods of a class that has no such method, as Falcon calls them (`on_get`), or plainly."""

_LOOKED_AT: Final = 3  # positional arguments: `self`, the request, and one more
_NAMES: Final = ("request", "req", "scope", "environ")


class NotBatchable(Exception):
    """Raised in the place of an endpoint that is guarded by `not_batchable`; the action's result is a 400."""


def not_batchable(endpoint: Endpoint) -> Endpoint:
    """Guard an endpoint where the router has already decided: called directly it works, in a batch it is 400 (C34).

    A decorator for any view or handler: a function or method, plain or `async`, a generator of either kind, a
    `functools.partial`, an object that can be called, or a class of views. In a batch the endpoint is not run:
    `NotBatchable` is raised in its place to leave the host, and the action's result is a 400 whatever the host makes of
    that. Authentication and whatever else the host does before the endpoint has been done by then.

    Apply it next to the function, below decorators that make something else of it (Litestar's `@get`). A class stays
    the class that it was: its `dispatch` or `dispatch_request` is guarded, and without these each of its `get`, `post`,
    `on_get`, ... methods. Raises `TypeError` for what it can't guard.
    """
    given = innermost = cast("Any", endpoint)
    if isinstance(given, type):
        _guard_class(given)
        return endpoint
    if isinstance(given, staticmethod | classmethod):
        wrapper = staticmethod if isinstance(given, staticmethod) else classmethod
        return cast("Endpoint", wrapper(not_batchable(cast("Any", given).__func__)))
    if not callable(given):
        raise TypeError(f"not_batchable guards functions, classes and objects that can be called, not {given!r}")
    while isinstance(innermost, functools.partial):
        innermost = cast("Any", innermost).func
    if isinstance(innermost, type):
        raise TypeError(
            f"not_batchable can't guard a class through a partial; decorate {innermost.__qualname__} itself"
        )
    if inspect.isroutine(innermost):
        guarded = functools.wraps(given)(_guarded(given))
        if not hasattr(given, "__name__"):  # a partial; hosts name an endpoint by its class then
            guarded.__name__ = guarded.__qualname__ = type(given).__name__
        return cast("Endpoint", guarded)
    # Hosts treat what is no function in another way (Starlette calls it as an ASGI application), so it stays an object.
    awaited = inspect.iscoroutinefunction(type(innermost).__call__) or inspect.iscoroutinefunction(given)
    return cast("Endpoint", (_AsyncObject if awaited else _Object)(given))


def refuse(request: Mapping[str, Any] | None = None) -> str | None:
    """In a batch: make the result of this action a 400, and return its message. Else None, and nothing happens.

    `request` is the scope or environ where it is at hand. For guards that a host asks (integrations): whatever they
    raise then, the result is the 400.
    """
    mark = mark_of(request)
    if mark is None:
        return None
    mark.refused = REFUSAL
    return REFUSAL


def _refuse_in_batch(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    mark = mark_of(None) or _carried(args, kwargs)
    if mark is not None:
        mark.refused = REFUSAL
        raise NotBatchable(REFUSAL)


def _carried(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mark | None:
    """The live mark of the request among the arguments of an endpoint, where the running context has no live one."""
    for argument in (*args[:_LOOKED_AT], *(kwargs[name] for name in _NAMES if name in kwargs)):
        for found in _requests(argument):
            if (mark := mark_of(found)) is not None:
                return mark
    return None


def _requests(argument: Any) -> Iterable[Mapping[str, Any]]:
    """What may be a scope or an environ: the argument itself, or what request objects hold."""
    if isinstance(argument, Mapping):
        yield cast("Mapping[str, Any]", argument)
    elif not isinstance(argument, str | bytes | int):
        for name in ("scope", "environ", "env"):
            found = getattr(argument, name, None)
            if isinstance(found, Mapping):
                yield cast("Mapping[str, Any]", found)


def _guarded(endpoint: Any) -> Any:
    """A function around `endpoint`, which is a function, a method, or a partial of one."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        _refuse_in_batch(args, kwargs)
        return endpoint(*args, **kwargs)

    async def guarded_async(*args: Any, **kwargs: Any) -> Any:
        _refuse_in_batch(args, kwargs)
        return await endpoint(*args, **kwargs)

    # Generators too are refused when they are called: one that nobody asks for anything (HEAD) would seem to have run.
    return guarded_async if inspect.iscoroutinefunction(endpoint) else guarded


def _guard_class(cls: type) -> None:
    names = [name for name in _THROUGH_ONE if callable(getattr(cls, name, None))][:1]
    names = names or [name for name in _RESPONDERS if inspect.isfunction(getattr(cls, name, None))]
    if not names:
        raise TypeError(
            f"not_batchable finds no method in {cls.__qualname__} that answers requests ({', '.join(_THROUGH_ONE)}, "
            "get, post, on_get, ...); guard its methods one by one"
        )
    for name in names:
        setattr(cls, name, not_batchable(vars(cls).get(name) or _inherited(cls, name)))


def _inherited(cls: type, name: str) -> Any:
    """A method that goes on to the next class in line, whatever that is in a subclass with further bases."""
    inherited: Any = getattr(cls, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(cast("Any", super(cls, self)), name)(*args, **kwargs)

    async def async_method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await getattr(cast("Any", super(cls, self)), name)(*args, **kwargs)

    return functools.wraps(inherited)(async_method if inspect.iscoroutinefunction(inherited) else method)


class _Object:
    """Stands for an object that can be called, and is guarded."""

    def __init__(self, endpoint: Any) -> None:
        self.__wrapped__ = endpoint
        self.__doc__ = endpoint.__doc__  # hosts show it

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        _refuse_in_batch(args, kwargs)
        return self.__wrapped__(*args, **kwargs)

    @property  # type: ignore[misc]  # only to be read
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
        """So that hosts name it, and `isinstance` knows it, as what it stands for."""
        return cast("Any", type(self.__wrapped__))

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":  # of an object that is being copied, and has nothing yet
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)

    def __repr__(self) -> str:
        return f"<not_batchable {self.__wrapped__!r}>"


class _AsyncObject(_Object):
    """The same for one whose call is awaited."""

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        _refuse_in_batch(args, kwargs)
        return await self.__wrapped__(*args, **kwargs)
