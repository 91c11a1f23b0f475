"""The limits of the taskboard: Asana's own as the default, and a small one of its own that the demo can run into.

Decides what `--limits` and `--redis` mean. Batched actions and direct requests share them, by token.
"""

from __future__ import annotations

from typing import Any

from batchware import Concurrency, Quota

DEFAULT = "1500/50/15"
LEAST_REQUESTS = 100  # the demo's own batches come to about sixty
FULL_BATCH = 10

API = ["/**"]  # the files of the page are outside of it, and free
MEMBERS = "/teams/{gid}/users"
MEMBER_LISTS = 10  # a second


def read(text: str) -> tuple[int, int, int]:
    """`1500/50/15`: requests a minute, reads and writes in flight. Raises `ValueError` that says what is allowed."""
    numbers = text.split("/")
    if len(numbers) != 3 or not all(number.isascii() and number.isdecimal() for number in numbers):
        raise ValueError(f"three numbers like {DEFAULT}: requests a minute, reads and writes in flight")
    requests, reads, writes = map(int, numbers)
    if requests < LEAST_REQUESTS:
        raise ValueError(f"at least {LEAST_REQUESTS} requests a minute: the demo sends almost as many itself")
    if reads < FULL_BATCH or writes < FULL_BATCH:
        raise ValueError(f"at least {FULL_BATCH} reads and writes in flight, or a full batch could never run")
    return requests, reads, writes


def options(text: str, redis_url: str | None, *, asgi: bool) -> dict[str, Any]:
    """The options of batchware for them; counted in Redis if there is a URL, else in this process."""
    requests, reads, writes = read(text)
    limits = [
        Quota("requests", requests, per=60, paths=API),
        Concurrency("reads", reads, methods=["GET", "HEAD"], paths=API),
        Concurrency("writes", writes, methods=["POST", "PUT", "PATCH", "DELETE"], paths=API),
        Quota("member-lists", MEMBER_LISTS, per=1, paths=[MEMBERS]),
    ]
    if redis_url is None:
        return {"limits": limits, "ratelimit_headers": True}
    from batchware.limiters.redis import AsyncRedisLimiter, RedisLimiter  # noqa: PLC0415  # an extra of its own

    limiter = (AsyncRedisLimiter if asgi else RedisLimiter)(redis_url)
    return {"limits": limits, "ratelimit_headers": True, "limiter": limiter}
