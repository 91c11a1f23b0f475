"""FastAPI: routes, routers and applications that cannot be batched, said by a dependency (C34).

    @app.post("/exports", dependencies=[Depends(not_in_batch)])
    router = APIRouter(prefix="/scim", dependencies=[Depends(not_in_batch)])

In a batch the endpoint is not run and the action's result is 400. It costs no traceback in the log, as the exception of
the decorator `batchware.not_batchable` does, and it guards what is included in a router too. FastAPI reads the body
before it asks dependencies, so a body that can't be read at all is told first. Starlette has no dependencies; there the
decorator is the guard.
"""

from __future__ import annotations

from fastapi import HTTPException
from starlette.requests import HTTPConnection

from ..contract.guard import refuse

__all__ = ["not_in_batch"]


async def not_in_batch(connection: HTTPConnection) -> None:
    """A dependency: raises `HTTPException` in a batch, and does nothing for a direct request or a websocket."""
    if message := refuse(connection.scope):
        raise HTTPException(400, message)
