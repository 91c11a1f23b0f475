"""Every way in which a batch, or one of its actions, is refused or fails; each knows its status and its message.

A `BatchError` raised while the batch is read becomes the whole answer (C2); held by one action it becomes that
action's result (C9, C26). Both have the same shape (C30), made by the host's `error_body`.

Messages say what is wrong, where, and what is allowed (C29). They never hold a header's value, and `quoted` is the
only door by which input gets into one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

QUOTED_MOST = 100  # characters of input that a message may repeat (C29)


def quoted(text: str) -> str:
    """`text` as it may stand in a message: escaped, in quotes, at most 100 characters of it (C29)."""
    if len(text) > QUOTED_MOST:
        text = text[: QUOTED_MOST - 3] + "..."
    return ascii(text)


class BatchError(Exception):
    """A refusal or a failure, and the answer that it gets.

    `status` is the HTTP status, `message` one sentence for the client, `headers` what the answer carries beside
    its own. As the whole answer they are response headers; as a result they are the result's headers.
    """

    status = 400

    def __init__(self, message: str, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers: Mapping[str, str] = dict(headers or {})
        if status is not None:
            self.status = status


class MethodNotAllowed(BatchError):
    """405: the batch route takes POST, and OPTIONS for preflights (C1)."""

    status = 405

    def __init__(self, allow: str) -> None:
        super().__init__(f"This route takes {allow} only.", headers={"Allow": allow})


class UnsupportedMediaType(BatchError):
    """415: not plain `application/json`, or encoded (C3)."""

    status = 415


class NotAuthorized(BatchError):
    """401 or 403 for the whole batch, raised by the host's `authorize` (C8).

    `headers` is where `WWW-Authenticate` goes: `NotAuthorized("Log in.", headers={"WWW-Authenticate": "Bearer"})`.
    Raises `ValueError` for any other status.
    """

    status = 401

    def __init__(
        self,
        message: str = "Not Authorized",
        *,
        status: int = 401,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if status not in (401, 403):
            raise ValueError(f"NotAuthorized: status must be 401 or 403, not {status!r}")
        super().__init__(message, status=status, headers=headers)


class BodyTooLarge(BatchError):
    """413: the batch is larger than `max_body_bytes` (C2, C4)."""

    status = 413

    def __init__(self, most: int) -> None:
        super().__init__(f"The body of a batch is at most {most} bytes.")


class Overloaded(BatchError):
    """503: `max_pending` actions are in flight already (C42)."""

    status = 503

    def __init__(self) -> None:
        super().__init__("Too many actions are in flight; send the batch again later.", headers={"Retry-After": "1"})


class LimitExceeded(BatchError):
    """429: a limit would be exceeded by the batch, or by the direct request (C36, C37, C40)."""

    status = 429


class LimitsUnavailable(BatchError):
    """503: the store of the limits can't be reached (C41)."""

    status = 503

    def __init__(self) -> None:
        super().__init__("The limits can't be checked at the moment; try again later.", headers={"Retry-After": "1"})


class Refused(BatchError):
    """400: one action is not as the contract asks, or must not be batched (C9, C31)."""

    @classmethod
    def at(cls, index: int, member: str, why: str) -> Refused:
        """`why`, at `actions[index].member`, or at the action itself where `member` is empty."""
        return cls(f"actions[{index}]{'.' if member else ''}{member}: {why}")


class HandlerFailed(BatchError):
    """500: the handler raised or sent no complete response; the traceback is in the log (C26)."""

    status = 500

    def __init__(self) -> None:
        super().__init__("The server failed to handle this action.")


class TooSlow(BatchError):
    """504: no complete response within `action_timeout` (C26)."""

    status = 504

    def __init__(self, seconds: float) -> None:
        super().__init__(f"This action did not complete within {seconds:g} seconds.")


class ResultTooLarge(BatchError):
    """502: the response is past `max_result_bytes`, or the answer past `max_answer_bytes` (C26)."""

    status = 502

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"{what} is at most {most} bytes; this response would exceed it.")


def asana_errors(error: BatchError) -> Mapping[str, Any]:
    """The shape of every error, `{"errors": [{"message": "..."}]}` (C30): the default of `error_body`."""
    return {"errors": [{"message": error.message}]}
