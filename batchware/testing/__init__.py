"""What a host, or whoever extends batchware, tests with.

`assert_not_batchable` tries every spelling of an endpoint that must not be batched; `LimiterContract` is the laws of a
limiter. Nothing of it is loaded by the middleware, and none of it needs a test runner.
"""

from .limiter import LimiterContract
from .reach import assert_not_batchable

__all__ = ["LimiterContract", "assert_not_batchable"]
