"""Many things in an order, through batches whose actions run in none: a plan, and what carries it out."""

from .drive import put_in_order, put_in_order_async
from .plan import Plan, Where
from .state import Id
from .stops import Failure, GaveUp, InDoubt, OrderStopped

__all__ = [
    "Failure",
    "GaveUp",
    "Id",
    "InDoubt",
    "OrderStopped",
    "Plan",
    "Where",
    "put_in_order",
    "put_in_order_async",
]
