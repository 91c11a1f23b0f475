"""batchware: a batch endpoint for any Python web application.

The middleware is in `batchware.asgi` and `batchware.wsgi`; here is what both have in common. Importing this loads no
framework and no event loop.
"""

from .authorization import require_header
from .config import BatchConfig, BatchOptions
from .contract.deny import DEFAULT_DENY, EXPORTS, NESTED, SCIM, UPLOADS, DenyRule
from .contract.errors import BatchError, NotAuthorized
from .contract.hooks import BatchHooks
from .contract.model import Action, Outcome, Parent
from .contract.nesting import in_batch, not_batchable

__all__ = [
    "DEFAULT_DENY",
    "EXPORTS",
    "NESTED",
    "SCIM",
    "UPLOADS",
    "Action",
    "BatchConfig",
    "BatchError",
    "BatchHooks",
    "BatchOptions",
    "DenyRule",
    "NotAuthorized",
    "Outcome",
    "Parent",
    "in_batch",
    "not_batchable",
    "require_header",
]
