"""The mark that a child request carries, and what host code can do with it (C34).

The mark is an object in the scope (`batchware`) or the environ (`batchware.action`), and a context variable for code
that sees neither. No client can set either of them. It is void once its batch has ended, so that work which the host
started in an action and which outlives it is not taken for an action. `guard` is what refuses by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from msgspec import Struct

SCOPE_KEY = "batchware"
ENVIRON_KEY = "batchware.action"  # extension keys of an environ have a dot (PEP 3333)

FREE: Final[dict[Any, int]] = {}
"""As `Mark.paid`: whatever the host's own limits would charge for this request is let pass."""


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
