"""`assert_not_batchable`: that nobody reaches an endpoint in a batch, however it is spelled (C31 to C34).

What counts as reached. Without `handler` an action has reached something unless its result is one of these:

- a refusal of batchware's own, 400: by the rules, by the contract, or by a guard in the endpoint. A 400 of the host is
  none: the handler may have run, and have found the data wrong;
- 404 or 405: the router knew no such endpoint. (A handler that ran and answered so can't be told from that; give
  `handler`.) The plain spelling must be refused all the same, so that this is not the 404 of something missing;
- a redirect that changes nothing but slashes at the end, which is never followed.

With `handler` it has reached something if that code began to run, whatever was answered; other endpoints that a
spelling leads to don't count, but for those that share its code. Here too the plain spelling must be refused.

Batches go through a middleware of the same configuration around the same application, without its limits, its hooks and
its `authorize`, in this process. No lifespan is run; start what the application needs before.
"""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Any, cast

from .. import asgi, wsgi
from ..contract.errors import BatchError, Refused
from ..contract.hooks import BatchHooks
from ..contract.model import Outcome, Parent
from .send import Request, send
from .spellings import Attempt, attempts, quote_once
from .watch import Runs, codes_of, watching

Middleware = asgi.BatchMiddleware | wsgi.BatchMiddleware
Headers = Mapping[str, str] | Iterable[tuple[str, str]]

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SHOWN = 25  # of the spellings that got through; the first ones say enough


def assert_not_batchable(
    app: Any,
    method: str,
    path: str,
    *,
    headers: Headers = (),
    data: Any = None,
    handler: Any = None,
    probe: str | None = "",
) -> None:
    """That `method path` can't be reached in a batch, by any spelling that is known. Raises `AssertionError` if it can.

    `app` is the application with its `BatchMiddleware`, which is found around it, in Flask's `wsgi_app` or in the
    middleware of Starlette and FastAPI; else give the middleware itself. `path` is decoded, and relative to the API
    base, as in `deny`: that of something that exists. `headers` and `data` are what the endpoint wants to see before it
    is reached, credentials above all; an action that is answered 401 shows nothing. `handler` is the function or class
    that must not run (the module docstring says what counts without it).

    One direct request shows that there is such an endpoint, or a typing error would pass: the same method if it is
    safe, else `OPTIONS`. Where a host answers that with 404, `probe` names another method; None leaves it out.
    Call it from a plain function, not from a coroutine. Raises `ValueError` for a wrong method or path and `TypeError`
    where there is no middleware.
    """
    method = method.upper()
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, not {method!r}")
    if not path.startswith("/"):
        raise ValueError(f"path must start with '/', relative to the API base, not {path!r}")
    middleware, host = _middleware_of(app)
    base = middleware.config.base
    pairs: list[tuple[str, str]] = list(cast("Any", headers).items() if isinstance(headers, Mapping) else headers)
    if probe is not None:
        asked = probe or (method if method in ("GET", "HEAD") else "OPTIONS")
        _check_direct(middleware, method, Request(asked, middleware.config.base + path, pairs, host=host))
    tried = _Tried(middleware, host, pairs)
    with watching(codes_of(handler)) if handler is not None else nullcontext(Runs()) as runs:
        plain = Attempt("as it is", json.dumps({"method": method, "relative_path": quote_once(path)} | _member(data)))
        outcome = tried.one(plain)
        if not _refused(outcome) or runs.count:
            raise AssertionError(f"{method} {path} can be batched: as it is, {_told(outcome)}{_ran(runs)}")
        reached = [
            f"{attempt.name}: {attempt.action} -> {_told(outcome)}{_ran(runs)}"
            for attempt in attempts(method, path, data, middleware.config.path)
            for outcome in [tried.of(attempt, runs)]
            if (runs.count if handler is not None else tried.passed(attempt, outcome, base))
        ]
    if reached:
        more = [f"and {len(reached) - _SHOWN} more"] if len(reached) > _SHOWN else []
        lines = "\n  ".join([*reached[:_SHOWN], *more])
        raise AssertionError(f"{method} {path} can be reached in a batch:\n  {lines}")


def _member(data: Any) -> dict[str, Any]:
    return {} if data is None else {"data": data}


class _Told(BatchHooks):
    """Keeps what became of each action, with the error that stands for it."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def on_batch(self, parent: Parent, actions: Any, outcomes: Any, seconds: float) -> None:
        self.outcomes = list(outcomes)


class _Tried:
    """Sends attempts, one a batch, so that what runs is known to be its doing."""

    def __init__(self, middleware: Middleware, host: Any, headers: list[tuple[str, str]]) -> None:
        self._host = host
        self._told = _Told()
        config = dataclasses.replace(
            middleware.config, hooks=(self._told,), limits=(), limiter=None, authorize=None, cors="off"
        )
        if isinstance(middleware, wsgi.BatchMiddleware):
            one_thread = dataclasses.replace(config, threads=0, action_timeout=None)
            self._app: Any = wsgi.BatchMiddleware(middleware.app, config=one_thread)
        else:
            self._app = asgi.BatchMiddleware(middleware.app, config=config)
            self._app._state = middleware._state
        self._headers = headers

    def of(self, attempt: Attempt, runs: Runs) -> Outcome:
        runs.count = 0
        return self.one(attempt)

    def one(self, attempt: Attempt) -> Outcome:
        config = self._app.config
        actions = f'{{"actions":[{attempt.action}]}}'
        body = actions if config.envelope is None else f"{{{json.dumps(config.envelope)}:{actions}}}"
        fields = [*self._headers, *attempt.headers, ("content-type", "application/json")]
        self._told.outcomes = []
        answer = send(self._app, Request("POST", config.path, fields, body.encode(), self._host))
        if not self._told.outcomes:
            raise AssertionError(f"a batch of one action was answered {answer.status}: {answer.body.decode()[:300]}")
        return self._told.outcomes[0]

    def passed(self, attempt: Attempt, outcome: Outcome, base: str) -> bool:
        """Whether the outcome shows that something was reached."""
        if _refused(outcome):
            return False
        if attempt.instead is not None:
            # What answers without the trick is no one's concern, unless it answers otherwise each time.
            usual, again = self.one(Attempt("", attempt.instead)), self.one(Attempt("", attempt.instead))
            return _answer(usual) == _answer(again) != _answer(outcome)
        return outcome.status not in (404, 405) and not _only_slashes(outcome, attempt, base)


def _refused(outcome: Outcome) -> bool:
    return isinstance(outcome.error, Refused) and outcome.status == 400


def _answer(outcome: Outcome) -> tuple[int, bytes]:
    return outcome.status, outcome.body


def _only_slashes(outcome: Outcome, attempt: Attempt, base: str) -> bool:
    """A redirect to the same path with more or fewer slashes at its end."""
    if outcome.status not in (301, 307, 308):
        return False
    where = next((value for name, value in outcome.headers if name == "location"), "")
    path = where.partition("?")[0].rstrip("/")
    written: str = json.loads(attempt.action)["relative_path"]
    return path.endswith(base + written.rstrip("/"))


def _told(outcome: Outcome) -> str:
    error: BatchError | None = outcome.error
    said = f" ({error.message})" if error is not None else ""
    hint = "; give headers= with credentials" if outcome.status in (401, 403) else ""
    if outcome.status == 400 and error is None:
        said = " of the host's own, not a refusal"
    return f"{outcome.status}{said}{hint}"


def _ran(runs: Runs) -> str:
    return ", and the handler ran" if runs.count else ""


# --- that there is such an endpoint


def _check_direct(middleware: Middleware, method: str, request: Request) -> None:
    status = send(middleware.app, request).status
    if status == 404 or (status == 405 and request.method == method):
        raise AssertionError(
            f"{request.method} {request.path} is {status} as a direct request, so nothing would be tested: name "
            "something that exists, by its path below the API base (probe= asks by another method; None does not ask)"
        )


def _middleware_of(app: Any) -> tuple[Middleware, Any]:
    """The batch middleware of an application, itself or found in what it holds, and the Starlette that holds it."""
    seen: set[int] = set()
    waiting: deque[tuple[Any, Any]] = deque([(app, None)])
    while waiting:
        found, host = waiting.popleft()
        if isinstance(found, Middleware):
            return found, host
        if id(found) in seen:
            continue
        seen.add(id(found))
        if hasattr(found, "build_middleware_stack"):
            host = found
            if found.middleware_stack is None:
                found.middleware_stack = found.build_middleware_stack()  # Starlette does it with the first request
        for name in ("wsgi_app", "asgi_app", "middleware_stack", "app", "application", "_app", "asgi_handler"):
            if callable(inner := getattr(found, name, None)):
                waiting.append((inner, host))
    raise TypeError(f"no BatchMiddleware is found in {app!r}; give the middleware itself")
