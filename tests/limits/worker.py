"""A WSGI application with one quota of twenty in Redis, for several workers; it says which one answered, and counts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

import redis

from batchware import Quota
from batchware.limiters.redis import RedisLimiter
from batchware.wsgi import BatchMiddleware

URL = os.environ["LIMITS_REDIS"]


def host(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] != "/who":
        with redis.Redis.from_url(URL) as client:
            client.incr("ran")
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"pid": os.getpid()}).encode()]


application = BatchMiddleware(
    host, limits=[Quota("twenty", 20, per=3600, paths=["/tasks/**"])], limiter=RedisLimiter(URL)
)
