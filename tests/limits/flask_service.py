"""A Flask application whose limits Flask-Limiter keeps, with batches before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import flask
from flask_limiter import Limiter

from batchware.integrations.flask_limiter import flask_limits
from batchware.wsgi import BatchMiddleware
from tests.contract.batching import BatchAnswer, action, host_named, post_batch
from tests.hosts.clients import Response, send

WSGI = host_named("wsgi")
STRATEGIES = ["fixed-window", "moving-window", "sliding-window-counter"]


def by_user() -> str:
    return flask.request.headers.get("X-User", "nobody")


class Service:
    """A Flask application with Flask-Limiter and batches; `ran` counts what its views did."""

    def __init__(self, views: Callable[[flask.Flask, Limiter], None] | None = None, **options: Any) -> None:
        self.options: dict[str, Any] = {name: options.pop(name) for name in _OURS if name in options}
        self.app = flask.Flask("service")
        self.limiter = Limiter(
            options.pop("key_func", by_user), app=self.app, **{"storage_uri": "memory://", **options}
        )
        self.ran: Counter[str] = Counter()
        self.app.add_url_rule("/tasks/<gid>", "tasks", self.view("tasks"), methods=["GET", "PUT"])
        self.app.add_url_rule("/users/<gid>", "users", self.view("users"))
        if views is not None:
            views(self.app, self.limiter)
        self.front = BatchMiddleware(self.app.wsgi_app, **flask_limits(self.limiter, self.app, **self.options))
        self.app.wsgi_app = self.front

    def view(self, name: str) -> Callable[..., Any]:
        def view(**_: str) -> Any:
            self.ran[name] += 1
            return flask.jsonify(name)

        view.__name__ = view.__qualname__ = name
        return view

    def batch(self, *paths: str, user: str = "a") -> BatchAnswer:
        return post_batch(self.app, WSGI, [action(path) for path in paths], headers={"X-User": user})

    def direct(self, path: str = "/tasks/1", method: str = "GET", user: str = "a") -> Response:
        return send(self.app, "wsgi", method, path, headers={"X-User": user})

    def left(self, path: str = "/tasks/1", user: str = "a") -> int:
        """How many direct requests still pass: asked by sending them."""
        count = 0
        while self.direct(path, user=user).status == 200:
            count += 1
        return count


_OURS = ("prepare", "limits", "limiter", "keep_keys")
