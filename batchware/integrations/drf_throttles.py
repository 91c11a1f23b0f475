# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# (Django REST framework has no types.)
"""Throttles of Django REST framework: what one would count, and that an action of a batch is not counted twice.

Understood are throttles that count as `SimpleRateThrottle` does: a list of the times of a client's requests, the newest
first, in the throttle's cache. `noting` makes such a throttle say what it would count, without counting it.

In an action of a batch `SimpleRateThrottle.allow_request` must not count again. `install` puts a wrapper around that
one method: throttle classes are named in settings and on views, by the project and by what it has installed, so a
mixin would have to be put into each, and one that was forgotten would count twice. The wrapper asks a context variable
whether the request was charged by a batch, and is the method itself for all others.
"""

from __future__ import annotations

import functools
import logging
from math import inf
from typing import Any

from rest_framework.throttling import BaseThrottle, ScopedRateThrottle, SimpleRateThrottle

from ..contract.limiter import Charge
from ..contract.nesting import mark_of
from .admission import host_quota, unpaid

log = logging.getLogger("batchware")

_unknown: set[type] = set()


def install() -> None:
    """Put the wrapper in its place. Raises `RuntimeError` where DRF has no such place."""
    for name in ("allow_request", "throttle_success", "throttle_failure", "get_cache_key"):
        if not callable(vars(SimpleRateThrottle).get(name)):
            raise RuntimeError(f"this version of DRF has no SimpleRateThrottle.{name}; batchware can't ask it")
    counting: Any = SimpleRateThrottle.allow_request
    if hasattr(counting, "__wrapped__"):
        return

    @functools.wraps(counting)
    def allow_request(self: Any, request: Any, view: Any) -> Any:
        mark = mark_of(None)
        if mark is not None and mark.paid is not None and self.rate is not None:
            key = self.get_cache_key(request, view)
            if key is None or not unpaid(("drf", key), 1):
                return True
        return counting(self, request, view)

    throttle: Any = SimpleRateThrottle
    throttle.allow_request = allow_request


def noting(throttle: Any, found: list[Any], trusted: tuple[type, ...]) -> Any:
    """`throttle`, made to put itself into `found` where it would count, with its key, size and duration.

    For one that is not understood, and will be asked when the action runs, a stand-in that allows everything. `trusted`
    are classes whose own methods come down to those of `SimpleRateThrottle`.
    """
    kind: Any = type(throttle)
    simple: Any = SimpleRateThrottle
    understood = issubclass(kind, trusted) or (
        issubclass(kind, SimpleRateThrottle)
        and kind.allow_request in (simple.allow_request, ScopedRateThrottle.allow_request)
        and kind.throttle_success is simple.throttle_success
        and kind.throttle_failure is simple.throttle_failure
    )
    if not understood:
        if kind not in _unknown:
            _unknown.add(kind)
            log.warning("the throttle %s is asked when an action runs, not for the whole batch", kind.__name__)
        return _Open()

    def note() -> bool:
        found.append(throttle)
        return True

    throttle.store, throttle.cache = throttle.cache, _Empty()
    throttle.throttle_success = throttle.throttle_failure = note
    return throttle


class _Open(BaseThrottle):  # type: ignore[misc]  # an untyped base
    def allow_request(self, request: Any, view: Any) -> bool:
        return True


class _Empty:
    """The cache of a throttle that is only to say what it would count."""

    def get(self, key: str, default: Any = None) -> Any:
        return default


class Owed:
    """One throttle and client: the `Debt` of a batch."""

    def __init__(self, throttle: Any) -> None:
        self.cost = 0
        self._throttle = throttle

    @property
    def charge(self) -> Charge:
        throttle = self._throttle
        rule = host_quota(throttle.scope or type(throttle).__name__, throttle.num_requests, throttle.duration)
        return Charge(rule, throttle.key, self.cost)

    def fits(self) -> bool:
        history, _ = self._history()
        return bool(len(history) + self.cost <= self._throttle.num_requests)

    def pay(self) -> bool:
        throttle, (history, now) = self._throttle, self._history()
        if len(history) + self.cost > throttle.num_requests:
            return False
        throttle.store.set(throttle.key, [now] * self.cost + history, throttle.duration)
        return True

    def standing(self) -> tuple[int, float]:
        throttle, (history, now) = self._throttle, self._history()
        left = throttle.num_requests - len(history)
        if self.cost > throttle.num_requests:
            return left, inf
        return left, 0.0 if self.cost <= left else history[left - self.cost] + throttle.duration - now

    def _history(self) -> tuple[list[float], float]:
        """The times of the requests that count, the newest first, and the time now: as the throttle keeps them."""
        throttle = self._throttle
        now: float = throttle.timer()
        stored: Any = throttle.store.get(throttle.key, [])
        times: list[float] = [moment for moment in stored if moment > now - throttle.duration]
        return times, now
