"""batchware: a batch endpoint for any Python web application.

The middleware is in `batchware.asgi` and `batchware.wsgi`; here is what both have in common. Importing this loads no
framework and no event loop.
"""

from .authorization import require_header
from .config import BatchConfig, BatchOptions
from .contract.charges import HostLimits
from .contract.deny import DEFAULT_DENY, EXPORTS, NESTED, SCIM, UPLOADS, DenyRule
from .contract.errors import BatchError, NotAuthorized, asana_errors
from .contract.guard import not_batchable
from .contract.hooks import BatchHooks
from .contract.limiter import AsyncLimiter, Charge, Decision, Level, Limiter, LimiterUnavailable, Slot
from .contract.limits import ANY, Concurrency, Quota, by_client, by_header, by_principal
from .contract.model import Action, Outcome, Parent, Reply
from .contract.nesting import in_batch

__all__ = [
    "ANY",
    "DEFAULT_DENY",
    "EXPORTS",
    "NESTED",
    "SCIM",
    "UPLOADS",
    "Action",
    "AsyncLimiter",
    "BatchConfig",
    "BatchError",
    "BatchHooks",
    "BatchOptions",
    "Charge",
    "Concurrency",
    "Decision",
    "DenyRule",
    "HostLimits",
    "Level",
    "Limiter",
    "LimiterUnavailable",
    "NotAuthorized",
    "Outcome",
    "Parent",
    "Quota",
    "Reply",
    "Slot",
    "asana_errors",
    "by_client",
    "by_header",
    "by_principal",
    "in_batch",
    "not_batchable",
    "require_header",
]
