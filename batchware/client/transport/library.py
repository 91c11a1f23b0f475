"""What the transport needs of the user's HTTP client, and where it finds it.

httpx2 and httpx have the same classes by the same names. Which of the two is in use, the request says; so neither is
imported here, both may be at work in one process, and whatever makes their classes work for the one works for the
other.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

RawHeaders = Sequence[tuple[bytes, bytes]]


class Url(Protocol):
    """The parts of a request's URL, as they are sent."""

    @property
    def raw_scheme(self) -> bytes:
        """`http` or `https`."""
        ...

    @property
    def raw_host(self) -> bytes:
        """In lower case, internationalized names encoded."""
        ...

    @property
    def port(self) -> int | None:
        """None for the scheme's own."""
        ...

    @property
    def raw_path(self) -> bytes:
        """Path and query string."""
        ...


class Fields(Protocol):
    """Header fields."""

    @property
    def raw(self) -> RawHeaders:
        """All of them, in order."""
        ...

    def get(self, name: str) -> str | None:
        """The value of the header `name`, in any case."""
        ...


class Request(Protocol):
    """`httpx2.Request` or `httpx.Request`."""

    method: str
    extensions: Mapping[str, Any]

    @property
    def url(self) -> Url:
        """Where it goes."""
        ...

    @property
    def headers(self) -> Fields:
        """What it says of itself."""
        ...

    @property
    def stream(self) -> object:
        """The body; one that is in memory is a `ByteStream`."""
        ...

    def read(self) -> bytes:
        """The body, of a request that has it in memory."""
        ...


class Response(Protocol):
    """`httpx2.Response` or `httpx.Response`."""

    status_code: int
    extensions: Mapping[str, Any]

    @property
    def headers(self) -> Fields:
        """As they came."""
        ...

    async def aread(self) -> bytes:
        """The whole body, decoded."""
        ...

    async def aclose(self) -> None:
        """Gives the connection back."""
        ...


def library_of(request: Request) -> Any:
    """The module, `httpx2` or `httpx`, whose `Request` this is; raises `TypeError` for any other object."""
    for kind in type(request).__mro__:
        module = sys.modules.get(kind.__module__)
        if kind.__name__ == "Request" and hasattr(module, "ByteStream"):
            return module
    raise TypeError(f"not a request of httpx2 or httpx: {type(request).__qualname__}")
