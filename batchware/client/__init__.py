"""A client for batch endpoints, on the standard library alone: it imports nothing of the rest of batchware.

`Sender` and `AsyncSender` send any number of actions through the HTTP client that you have; `BatchTransport` makes
batches of what a program asks httpx2 or httpx for. The pieces below them are their own modules: `course` decides what
is sent when, and does no I/O.
"""

from typing import TYPE_CHECKING, Any

from .actions import Action, ActionFailed, BadAnswer, ClientError, Headers, Raw, Result
from .adapters import Broken, Misused, NotSent
from .batch import AsyncBatch, Batch, Handle
from .bounds import Bounds
from .course import Course
from .outcomes import NotDone, Outcome, Report, State, Unfinished, Unknown, report_of
from .run import Progress
from .sender import Sender
from .verdicts import Answer, BatchRefused
from .waiting import Sending

if TYPE_CHECKING:
    from .async_sender import AsyncSender
    from .transport import BatchTransport

__all__ = [
    "Action",
    "ActionFailed",
    "Answer",
    "AsyncBatch",
    "AsyncSender",
    "BadAnswer",
    "Batch",
    "BatchRefused",
    "BatchTransport",
    "Bounds",
    "Broken",
    "ClientError",
    "Course",
    "Handle",
    "Headers",
    "Misused",
    "NotDone",
    "NotSent",
    "Outcome",
    "Progress",
    "Raw",
    "Report",
    "Result",
    "Sender",
    "Sending",
    "State",
    "Unfinished",
    "Unknown",
    "report_of",
]


def __getattr__(name: str) -> Any:
    # With it comes asyncio, which a script that doesn't use it should not have to load.
    if name == "AsyncSender":
        from .async_sender import AsyncSender  # noqa: PLC0415  # see above

        return AsyncSender
    if name == "BatchTransport":
        from .transport import BatchTransport  # noqa: PLC0415  # as above

        return BatchTransport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
