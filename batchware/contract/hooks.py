"""BatchHooks: how a host watches batches, from tracing to one log line for each action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .model import Action, Outcome, Parent, Reply


class BatchHooks:
    """Override what you need. A hook that raises is logged, and never breaks a batch.

    `around_action` sees what runs, `on_batch` every action with what became of it, refused ones too, `around_batch`
    also what was refused as a whole. They are called in the middle of requests: count, note, write a line, and leave
    what waits to something else. One instance serves all batches, so what belongs to one batch is no attribute of it.

    Ready made: `batchware.access_log.AccessLog`, and `batchware.integrations.otel.OpenTelemetry`.
    """

    def around_batch(self, parent: Parent) -> AbstractContextManager[Callable[[Reply], Any] | None]:
        """A context manager around one batch request, entered before it is checked, left when its answer is made.

        In the batch's own task or thread; what it sets in context variables is seen by `authorize` and by all actions.
        `__enter__` may return a callable; it gets the `Reply`, whose `error` says why a batch was refused as a whole.
        `parent.principal` is not known yet. Not called for `OPTIONS`.
        """
        return nullcontext()

    def around_action(self, action: Action, parent: Parent) -> AbstractContextManager[Callable[[Outcome], Any] | None]:
        """A context manager around one action, entered and left in the action's own task or thread.

        What it sets in context variables is seen by the handler and by nothing else. `__enter__` may return a
        callable; it gets the `Outcome` as soon as there is one, before any background work of the host has ended.
        `__exit__` gets what the handler raised, if anything; it can't suppress it.
        Not called for refused actions.
        """
        return nullcontext()

    def on_batch(self, parent: Parent, actions: Sequence[Action], outcomes: Sequence[Outcome], seconds: float) -> None:
        """After the last result of a batch, before the answer is sent; not called for whole-batch errors.

        `actions` and `outcomes` are of one length and order; `seconds` is the time since the batch arrived.
        On ASGI it must not block.
        """
