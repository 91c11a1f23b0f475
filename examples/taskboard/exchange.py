"""One request and one answer, in words that belong to no framework.

Decides how an answer looks on the wire: JSON as UTF-8 without spaces (indented where `opt_pretty` asks for it), the
error shape `{"errors": [{"message": ...}]}`, and a header set that is complete, so that every face sends the same
bytes whatever its framework would have added.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

JSON = "application/json"

# Every route lives below this; `relative_path` in a batch starts after it.
BASE = "/api/1.0"


# A media type without parameters, and nothing that could not stand in a header.
MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file part of a multipart form."""

    name: str
    content_type: str
    content: bytes

    @classmethod
    def received(cls, name: str | None, content_type: str | None, content: bytes) -> Upload | None:
        """A part as a framework hands it over. Its name is the sender's word: only the last segment of it counts."""
        kept = re.split(r"[/\\]", name or "")[-1]
        media_type = (content_type or "").partition(";")[0].strip().lower()
        known = MEDIA_TYPE.fullmatch(media_type) is not None
        return cls(kept, media_type if known else "application/octet-stream", content) if kept else None


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart form: the text parts by name, and the part called `file`, if there is one."""

    fields: Mapping[str, str]
    upload: Upload | None


@dataclass(frozen=True, slots=True)
class Request:
    """What a face hands over. `origin` is scheme and host; `mount` is the path below which the face is mounted."""

    method: str
    origin: str = "http://localhost"
    mount: str = ""
    query_string: str = ""
    authorization: str | None = None
    idempotency_key: str | None = None
    if_none_match: str | None = None
    body: bytes = b""
    form: Form | None = None
    params: Mapping[str, str] = field(default_factory=dict)

    def query(self) -> dict[str, str]:
        """The query parameters; of two with one name the last counts."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body, ready to be sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Refusal(Exception):
    """Ends an operation with an error answer; whatever it had written is rolled back."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def is_form(content_type: str | None) -> bool:
    """Whether a request body is to be read as a multipart form."""
    return (content_type or "").partition(";")[0].strip().lower() == "multipart/form-data"


def answer(
    status: int, payload: Any, headers: Mapping[str, str] | None = None, *, pretty: bool = False, media_type: str = JSON
) -> Answer:
    """A JSON answer. Payload `None` stands for an answer without a body, as 204 has."""
    if payload is None:
        return Answer(status, dict(headers or {}), b"")
    text = json.dumps(
        payload,
        ensure_ascii=False,
        indent=2 if pretty else None,
        separators=(",", ": ") if pretty else (",", ":"),
    )
    return plain(status, (text + "\n" if pretty else text).encode(), media_type, headers)


def plain(status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer whose body is given as bytes."""
    return Answer(status, {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}, body)


def refused(refusal: Refusal, *, pretty: bool = False) -> Answer:
    """The answer that a refusal stands for."""
    return answer(refusal.status, {"errors": [{"message": refusal.message}]}, refusal.headers, pretty=pretty)


def wants_pretty(query: Mapping[str, str]) -> bool:
    """Whether `opt_pretty` asks for indented JSON: without a value it does, as in Asana's API."""
    return query.get("opt_pretty", "no") in {"", "1", "true", "True"}
