"""Litestar: handlers, controllers, routers and applications that cannot be batched, said by a guard (C34).

    @post("/exports", guards=[not_in_batch])
    Router("/scim", guards=[not_in_batch], route_handlers=[...])

In a batch the handler is not run, nor are its dependencies, and the action's result is 400. It costs no traceback in
the log, as the exception of the decorator `batchware.not_batchable` does.
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException
from litestar.handlers import BaseRouteHandler

from ..contract.guard import refuse

__all__ = ["not_in_batch"]


def not_in_batch(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler, /) -> None:
    """A guard: raises `ClientException` in a batch, and does nothing for a direct request or a websocket."""
    if message := refuse(connection.scope):
        raise ClientException(message)
