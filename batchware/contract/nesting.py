"""The mark that a child request carries, and what host code can do with it (C34).

The mark is an object in the scope (`batchware`) or the environ (`batchware.action`), and a context variable for code
that sees neither. No client can set either of them. It is void once its batch has ended, so that work which the host
started in an action and which outlives it is not taken for an action.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final, ParamSpec, TypeVar

from msgspec import Struct

SCOPE_KEY = "batchware"
ENVIRON_KEY = "batchware.action"  # extension keys of an environ have a dot (PEP 3333)

FREE: Final[dict[Any, int]] = {}
"""As `Mark.paid`: whatever the host's own limits would charge for this request is let pass."""

P = ParamSpec("P")
R = TypeVar("R")


class Mark(Struct, eq=False):
    """Says that a request is one action of a batch that is under way."""

    live: bool = True
    refused: str | None = None
    """Set by `not_batchable`: the message of the refusal that replaces whatever the host answers."""
    paid: dict[Any, int] | None = None
    """What admission has charged for this request to limits that the host itself keeps (`HostLimits`), so that
    they don't count it again; None: they have not been asked, and count it as they count any request."""

    def __repr__(self) -> str:
        return f"<batchware mark, {'live' if self.live else 'void'}>"


current: ContextVar[Mark | None] = ContextVar("batchware_mark", default=None)


def mark_of(request: Mapping[str, Any] | None) -> Mark | None:
    """The live mark of a scope or an environ, else of the running context, or None."""
    found = (request.get(SCOPE_KEY) or request.get(ENVIRON_KEY)) if request is not None else None
    if not isinstance(found, Mark):
        found = current.get()
    return found if found is not None and found.live else None


def in_batch(scope_or_environ: Mapping[str, Any] | None = None) -> bool:
    """Whether a request is an action of a batch that has not ended (C34).

    With a scope or an environ it asks that one, and the running context where it carries no mark; without, the
    running context alone.
    """
    return mark_of(scope_or_environ) is not None


class NotBatchable(Exception):
    """Raised in the place of an endpoint that is guarded by `not_batchable`; the action's result is a 400."""


def not_batchable(endpoint: Callable[P, R]) -> Callable[P, R]:
    """Guard an endpoint where the router has already decided: called directly it works, in a batch it is 400 (C34).

    A decorator for any view, handler or method, plain or `async`. In a batch the endpoint is not run: `NotBatchable`
    is raised in its place to leave the host, and the action's result is a 400 whatever the host makes of that.
    Apply it below the host's own decorators, next to the function.
    """
    if inspect.iscoroutinefunction(endpoint):

        @functools.wraps(endpoint)
        async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> Any:
            _refuse_in_batch()
            return await endpoint(*args, **kwargs)

        return guarded_async  # type: ignore[return-value]  # R is the coroutine that `endpoint` returns

    @functools.wraps(endpoint)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        _refuse_in_batch()
        return endpoint(*args, **kwargs)

    return guarded


def _refuse_in_batch() -> None:
    mark = mark_of(None)
    if mark is not None:
        mark.refused = "this endpoint cannot be batched"
        raise NotBatchable(mark.refused)
