"""How the contract is tested: a host with batchware around it, and a batch posted to it in this process.

On the WSGI door two referees judge: werkzeug's `LintMiddleware` and `wsgiref.validate` stand around the batch
request, where batchware is the application, and between batchware and the host, where it is the server. A violation
outside fails the test; one inside makes the action's result a 500.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from wsgiref.validate import validator

import pytest
from werkzeug.middleware.lint import LintMiddleware

from batchware import asgi, wsgi
from tests.contract.spies import Seen, Spy
from tests.hosts import HOSTS, Host, params
from tests.hosts.clients import Response, asend, send
from tests.hosts.response import Body, Headers

__all__ = [
    "BARE",
    "BatchAnswer",
    "Seen",
    "Spy",
    "action",
    "apost_batch",
    "bare_door",
    "batch_body",
    "every_host",
    "host_named",
    "post_batch",
    "wrap",
]

every_host = pytest.mark.parametrize("host", params(*HOSTS))


def host_named(id: str) -> Host:
    return next(host for host in HOSTS if host.id == id)


BARE = (host_named("asgi"), host_named("wsgi"))
"""The two doors without a framework: for rules that are decided before any host."""
bare_door = pytest.mark.parametrize("host", params(*BARE))


# --- a host with batchware around it


def wrap(host: Host | Spy, app: Any = None, **options: Any) -> Any:
    """The middleware of the host's door around `app`, by default the host's shared application."""
    app = host.shared() if app is None else app
    if host.door == "asgi":
        return asgi.BatchMiddleware(app, **options)
    return wsgi.BatchMiddleware(_refereed(app), **options)


def _refereed(app: Any) -> Any:
    """Judges the environ of each child request, and how batchware reads and closes the response to it.

    What the host may answer is not judged but by the validator, and there a content type is shown where it wants one
    and hidden where it wants none: PEP 3333 has no such rule.
    """
    lint = LintMiddleware(app)

    def judged(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "batchware.action" not in environ:
            return app(environ, start_response)
        lint.check_environ(environ)
        real: list[tuple[str, str]] = []

        def below(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            def shown(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                real[:] = headers
                fields = [(name, value) for name, value in headers if name.lower() != "content-type"]
                if status[:3] not in {"204", "304"}:
                    fields.append(("Content-Type", "application/octet-stream"))
                return start(status, fields, *rest)

            return app(environ, shown)

        def above(status: str, _: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, real, *rest)

        return validator(below)(environ, above)

    return judged


# --- a batch and its answer


@dataclass(frozen=True)
class BatchAnswer:
    """The answer to a batch; `response` is what the client got, with what is known of the application."""

    response: Response

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def headers(self) -> list[tuple[str, str]]:
        return self.response.headers

    @property
    def body(self) -> bytes:
        return self.response.body

    def header(self, name: str) -> str | None:
        return self.response.header(name)

    def all(self, name: str) -> list[str]:
        return self.response.all(name)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def results(self) -> list[dict[str, Any]]:
        """The results of an answered batch, in either envelope; fails for a whole-batch error."""
        assert self.status == 200, (self.status, self.body)
        (results,) = self.json.values()
        assert isinstance(results, list)
        return results

    @property
    def result(self) -> dict[str, Any]:
        """The result of a batch of one action."""
        (result,) = self.results
        return result

    @property
    def statuses(self) -> list[int]:
        return [result["status_code"] for result in self.results]

    @property
    def message(self) -> str:
        """The message of a whole-batch error."""
        return _message(self.json)

    def refusal(self, index: int = 0) -> str:
        """The message of an action that was refused."""
        result = self.results[index]
        assert result["status_code"] == 400, result
        return _message(result["body"])


def _message(body: Any) -> str:
    assert list(body) == ["errors"], body
    (error,) = body["errors"]
    assert list(error) == ["message"], error
    return str(error["message"])


def action(relative_path: str = "/tasks/1", method: str = "get", **members: Any) -> dict[str, Any]:
    """One action as a dictionary: `action("/tasks", "post", data={"name": "x"})`."""
    return {"method": method, "relative_path": relative_path, **members}


def batch_body(actions: Any, envelope: str | None = "data") -> bytes:
    """`actions` in the envelope. Lone surrogates stay escapes, all else is as `json` writes it."""
    batch = {"actions": actions}
    return json.dumps(batch if envelope is None else {envelope: batch}).encode("ascii")


def post_batch(
    app: Any,
    host: Host | Spy,
    actions: Any = (),
    *,
    headers: Headers = (),
    query: str = "",
    path: str = "/batch",
    body: Body | None = None,
    content_type: str | None = "application/json",
    envelope: str | None = "data",
    **options: Any,
) -> BatchAnswer:
    """Posts `actions`, or a `body` as it is, to `app` (made by `wrap`) and returns the answer.

    `content_type` None sends none; `options` are those of `tests.hosts.clients.send`.
    """
    sent = _prepared(actions, headers, body, content_type, envelope)
    if host.door == "wsgi":
        app = LintMiddleware(app)
    return _answer(send(app, host.door, "POST", f"{path}?{query}" if query else path, **sent, **options))


async def apost_batch(
    app: Any,
    actions: Any = (),
    *,
    headers: Headers = (),
    query: str = "",
    path: str = "/batch",
    body: Body | None = None,
    content_type: str | None = "application/json",
    envelope: str | None = "data",
    **options: Any,
) -> BatchAnswer:
    """`post_batch` inside an event loop, on the ASGI door only."""
    sent = _prepared(actions, headers, body, content_type, envelope)
    return _answer(await asend(app, "POST", f"{path}?{query}" if query else path, **sent, **options))


def _answer(response: Response) -> BatchAnswer:
    assert response.raised is None, response.raised
    assert not [note for note in response.notes if "lower case" in note], "ASGI wants lower-case names (C19)"
    return BatchAnswer(response)


def _prepared(
    actions: Any, headers: Headers, body: Body | None, content_type: str | None, envelope: str | None
) -> dict[str, Any]:
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    if content_type is not None:
        pairs.append(("Content-Type", content_type))
    return {"headers": pairs, "body": batch_body(list(actions), envelope) if body is None else body}
