"""What a client is told about limits: the refusal, and the `RateLimit` fields (C40)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .charges import digest
from .errors import LimitExceeded
from .limiter import Charge, Decision, Level
from .limits import Concurrency, Limit
from .logger import log
from .model import Headers

_ROUNDING = 1e-4  # seconds; limiters add a little so that rounding does not make the wait too short


def exceeded(charges: Sequence[Charge], decision: Decision, actions: int, fields: Headers) -> LimitExceeded:
    """The 429 for `charges` that were not admitted.

    Where the decision names charges of its own, those. `actions` is the size of the batch, 0 for a direct request;
    `fields` are the `RateLimit` fields of the answer.
    """
    headers = dict(fields)
    violated: list[Charge] = []
    if decision.charges is not None:
        charges = decision.charges
    for charge, level in zip(charges, decision.levels, strict=True):
        if charge.cost > level.remaining:
            violated.append(charge)
            log.info(
                "refused by the limit %s: %s asks for %d, %d left",
                charge.rule.name,
                digest(charge.subject),
                charge.cost,
                level.remaining,
            )
    names = ", ".join(_sentence(charge.rule) for charge in violated) or "one of the limits"
    requests = "1 request" if actions == 1 else f"{actions} requests"
    what = f"this batch counts as {requests}" if actions else "this request is one too many"
    if decision.retry_after is None:
        never = [charge for charge in violated if charge.cost > charge.rule.limit]
        costs = ", ".join(f"{charge.rule.name} would be charged {charge.cost}" for charge in never)
        return LimitExceeded(
            f"Rate limit enforced: {what} and can never fit into {names}; {costs}. Send it in parts.", headers=headers
        )
    seconds = max(1, math.ceil(decision.retry_after - _ROUNDING))
    return LimitExceeded(
        f"Rate limit enforced: {what} and would exceed {names}. Nothing was run; try again in {seconds} s.",
        headers={"Retry-After": str(seconds), **headers},
    )


def _sentence(rule: Limit) -> str:
    if isinstance(rule, Concurrency):
        return f"{rule.name} ({rule.limit} in flight)"
    return f"{rule.name} ({rule.limit} in {rule.per:g} s)"


def ratelimit_fields(levels: Sequence[Level]) -> Headers:
    """`RateLimit-Policy` and `RateLimit`, as structured fields (draft-ietf-httpapi-ratelimit-headers-10)."""
    policies: list[str] = []
    standings: list[str] = []
    for rule, remaining, reset in ((level.rule, level.remaining, level.reset) for level in levels):
        if isinstance(rule, Concurrency):
            policies.append(f'"{rule.name}";q={rule.limit};qu="concurrent-requests"')
            standings.append(f'"{rule.name}";r={remaining}')
        else:
            policies.append(f'"{rule.name}";q={rule.limit};w={math.ceil(rule.per)}')
            standings.append(f'"{rule.name}";r={remaining};t={math.ceil(reset)}')
    if not levels:
        return []
    return [("ratelimit-policy", ", ".join(policies)), ("ratelimit", ", ".join(standings))]
