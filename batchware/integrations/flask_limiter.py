"""Flask-Limiter: its own limits are asked for all actions of a batch before anything runs.

    limiter = Limiter(get_remote_address, app=app, default_limits=["200 per day"])
    app.wsgi_app = BatchMiddleware(app.wsgi_app, **flask_limits(limiter, app))

For each action a request context is made, with the same environ that its child request will have, and Flask-Limiter
itself finds out in it what that request would be charged: application, default, blueprint and decorated limits, of
view functions and of the methods of a `MethodView`, with their keys, scopes, costs, methods and exemptions. If one of
all these limits has no room for the sum, the batch is 429, nothing runs and nothing is spent; what happens when two
requests want the last room at once is said in `admission`. Results carry the headers that Flask-Limiter gives them.

What can't be seen before an action runs is counted when it runs, as for a direct request, and only that action fails
then: `with limiter.limit(...)` in a view, decorated functions that are no views, and limits whose key, cost or
condition needs what a `before_request` function sets. `prepare` is for the last: a function that is called in each
action's request context first (`load_user`, say). Functions of the host that ran before Flask-Limiter's own could end
a direct request uncounted; here such an action is counted. Teardown functions run once more for each action.

- Conditional deductions (`deduct_when`): there must be room for all actions, and those that meet the condition are
  deducted when it is known, as ever.
- Meta limits are asked, but a refused batch is no breach: it is not charged to them, and `on_breach` is not called.
- `in_memory_fallback` and `swallow_errors` do what they do for direct requests. Without them a store that can't be
  reached is a 503, or lets the batch pass uncounted (`limiter_down_batch`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from flask import request

from ..config import BatchOptions
from ..contract.limiter import Limiter
from ..contract.limits import Limit
from ..contract.model import Parent
from ..contract.nesting import Mark, current
from ..replay.environ import Environ, EnvironBuilder
from .admission import Bill, Counted
from .host_limiter import HostLimiter, options
from .strategies import Note, bill_of, install, noting

if TYPE_CHECKING:
    import flask
    from flask_limiter import Limiter as FlaskLimiter

__all__ = ["flask_limits"]

log = logging.getLogger("batchware")


def flask_limits(
    host: FlaskLimiter,
    app: flask.Flask,
    /,
    *,
    prepare: Callable[[], object] | None = None,
    limits: Sequence[Limit] = (),
    limiter: Limiter | None = None,
    keep_keys: Collection[str] = (),
) -> BatchOptions:
    """The options for a `BatchMiddleware` in front of `app`, whose limits `host` keeps.

    `limits`, `limiter` and `keep_keys` are the middleware's own, if there are to be any beside. Raises `RuntimeError`
    where `host` is not set up for `app`, or is of a version that does not keep things where this looks for them.
    """
    limiter_of_host: Any = host  # of which some is private, and some untyped
    if limiter_of_host.enabled:
        if host not in app.extensions.get("limiter", ()):
            raise RuntimeError("flask_limits: call limiter.init_app(app) first")
        install(host, "Flask-Limiter")
        for name in ("_check_request_limit", "context"):
            if not hasattr(type(host), name):
                raise RuntimeError(f"this version of Flask-Limiter has no Limiter.{name}; batchware can't ask it")
    asked = _Asked(host, app, prepare, keep_keys)
    return options(HostLimiter("flask-limiter", asked.make_bill, limiter), limits, keep_keys)


class _Asked:
    """Has Flask-Limiter say what the actions of a batch would be charged."""

    def __init__(
        self, host: FlaskLimiter, app: flask.Flask, prepare: Callable[[], object] | None, keep_keys: Collection[str]
    ) -> None:
        self._host = host
        self._app = app
        self._prepare = prepare
        self._keep_keys = keep_keys

    def make_bill(self, parent: Parent, actions: Sequence[Counted], failure: Exception | None) -> Bill:
        """Raises `failure` again where Flask-Limiter has no fallback for it."""
        base = parent.path.rpartition("/")[0]
        builder = EnvironBuilder(parent.request, base=base, keep=self._keep_keys)
        noted: list[tuple[Mark | None, Sequence[Note]]] = []
        for action, mark in actions:
            if action.method and action.path:  # without them it reaches no route (C38)
                environ = builder.build(action, mark or Mark())
                noted.append((mark, copy_context().run(self._notes, environ, mark, failure)))
        return bill_of(noted)

    def _notes(self, environ: Environ, mark: Mark | None, failure: Exception | None) -> list[Note]:
        current.set(mark)
        with self._app.request_context(environ), noting(failure) as notes:
            try:
                if self._prepare is not None:
                    self._prepare()
                self._check()
            except Exception as error:
                if error is failure:
                    raise
                # The action will meet it again, and be counted then if it gets so far.
                log.warning("Flask-Limiter could not resolve the limits of an action", exc_info=True)
            later = [(limit.limit, *keys) for limit, keys in self._host.context.conditional_deductions.items()]
            for note in notes:
                note.later = note.kind == "test" and (note.item, *note.identifiers) in later
            return notes

    def _check(self) -> None:
        """What happens before a request, and what the decorated view does first."""
        self._host._check_request_limit()
        view: Any = self._app.view_functions.get(request.endpoint or "")
        methods = getattr(view, "view_class", None)
        method = request.method.lower()
        if methods is not None and not hasattr(methods, method) and method == "head":
            method = "get"
        function: Any
        for function in (view, getattr(methods, method, None)):
            # Flask-Limiter marks what it has decorated with the limiter it belongs to.
            if getattr(function, "__wrapper-limiter-instance", None) == self._host:
                name = f"{function.__module__}.{function.__name__}.{function.__qualname__}"
                self._host._check_request_limit(callable_name=name, in_middleware=False)
