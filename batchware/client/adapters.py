"""The HTTP clients that a user may have, each reduced to one function that posts a batch.

Decides which failures of each client are known to come before anything was sent (`NotSent`, and `Misused` where it
is no use to try again) and which leave it open (`Broken`); anything else that a client raises goes to the caller. None
of them is imported here: who has a client of one has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from .actions import ClientError
from .verdicts import Answer

Post: TypeAlias = Callable[[str, Mapping[str, str], bytes], Answer]
"""`post(url, headers, body)`: sends a batch without following redirects; raises `NotSent` or `Broken`."""
AsyncPost: TypeAlias = Callable[[str, Mapping[str, str], bytes], Awaitable[Answer]]
"""The same, as a coroutine function."""


class NotSent(ClientError):
    """There was no connection, so it is known that the batch did not reach the server."""


class Misused(NotSent):
    """The client sends no such thing: a URL, for one, that is none."""


class Broken(ClientError):
    """The connection broke, or the time was up, after the batch may have reached the server."""


def post_of(client: Any, timeout: float | None) -> Post:
    """How `client` posts: a `Client` of httpx2 or httpx, a `Session` of requests or niquests, or a function.

    `timeout` is in seconds, for each step of a request; None leaves it to the client. Raises `TypeError` for any other
    client.
    """
    package = _package(client, {"httpx2": "Client", "httpx": "Client", "requests": "Session", "niquests": "Session"})
    if package in ("httpx", "httpx2"):
        return _httpx(client, package, timeout)
    if package is not None:
        return _requests(client, package, timeout)
    if callable(client):
        return client  # type: ignore[no-any-return]  # the user says what it is
    raise TypeError(f"client: must be one of httpx2, httpx, requests or niquests, or a function, not {client!r}")


def async_post_of(client: Any, timeout: float | None) -> AsyncPost:
    """How `client` posts: an `AsyncClient` of httpx2 or httpx, `ClientSession` of aiohttp, `AsyncSession` of niquests,
    or a coroutine function.

    `timeout` is in seconds; None leaves it to the client. Raises `TypeError` for any other client.
    """
    package = _package(
        client,
        {"httpx2": "AsyncClient", "httpx": "AsyncClient", "aiohttp": "ClientSession", "niquests": "AsyncSession"},
    )
    if package in ("httpx", "httpx2"):
        return _async_httpx(client, package, timeout)
    if package == "aiohttp":
        return _aiohttp(client, timeout)
    if package is not None:
        return _async_niquests(client, package, timeout)
    if callable(client):
        return client  # type: ignore[no-any-return]  # the user says what it is
    raise TypeError(f"client: must be one of httpx2, httpx, aiohttp or niquests, or a function, not {client!r}")


def _package(client: Any, kinds: Mapping[str, str]) -> str | None:
    """The package of `kinds` whose class of that name `client` is an instance of."""
    for package, kind in kinds.items():
        if package in sys.modules and isinstance(client, getattr(sys.modules[package], kind)):
            return package
    return None


def _httpx(client: Any, package: str, timeout: float | None) -> Post:
    more = {} if timeout is None else {"timeout": timeout}

    def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            response = client.post(url, content=body, headers=headers, follow_redirects=False, **more)
        except Exception as error:
            raise _of_httpx(error, package) from error
        return Answer.of(response.status_code, response.headers, response.content)

    return post


def _async_httpx(client: Any, package: str, timeout: float | None) -> AsyncPost:
    more = {} if timeout is None else {"timeout": timeout}

    async def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            response = await client.post(url, content=body, headers=headers, follow_redirects=False, **more)
        except Exception as error:
            raise _of_httpx(error, package) from error
        return Answer.of(response.status_code, response.headers, response.content)

    return post


def _of_httpx(error: Exception, package: str) -> Exception:
    httpx = sys.modules[package]
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return _told(NotSent, error)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return _told(Misused, error)
    # What breaks the protocol here is most often a header of the user's.
    known = isinstance(error, httpx.RequestError) and not isinstance(error, httpx.LocalProtocolError)
    return _told(Broken, error) if known else error


def _requests(client: Any, package: str, timeout: float | None) -> Post:
    more = {} if timeout is None else {"timeout": timeout}

    def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            response = client.post(url, data=body, headers=headers, allow_redirects=False, **more)
            content = response.content
        except Exception as error:
            raise _of_requests(error, package) from error
        return Answer.of(response.status_code, response.headers, content or b"")

    return post


def _async_niquests(client: Any, package: str, timeout: float | None) -> AsyncPost:
    more = {} if timeout is None else {"timeout": timeout}

    async def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            response = await client.post(url, data=body, headers=headers, allow_redirects=False, **more)
            content = response.content
        except Exception as error:
            raise _of_requests(error, package) from error
        return Answer.of(response.status_code, response.headers, content or b"")

    return post


_NO_CONNECTION = {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}  # of urllib3


def _of_requests(error: Exception, package: str) -> Exception:
    requests = sys.modules[package]
    if not isinstance(error, requests.RequestException):
        return error
    if isinstance(error, ValueError):
        return _told(Misused, error)
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    reason = getattr(reason, "original_error", reason)  # of a proxy
    not_sent = isinstance(error, requests.ConnectTimeout) or type(reason).__name__ in _NO_CONNECTION
    return _told(NotSent if not_sent else Broken, error)


def _aiohttp(client: Any, timeout: float | None) -> AsyncPost:
    aiohttp = sys.modules["aiohttp"]
    more = {} if timeout is None else {"timeout": aiohttp.ClientTimeout(total=timeout)}

    async def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            async with client.post(url, data=body, headers=headers, allow_redirects=False, **more) as response:
                return Answer.of(response.status, response.headers, await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _told(NotSent, error) from error
        except (aiohttp.ClientError, OSError) as error:
            misused = isinstance(error, ValueError | aiohttp.NonHttpUrlClientError)
            raise _told(Misused if misused else Broken, error) from error

    return post


def _told(kind: type[ClientError], error: Exception) -> ClientError:
    return kind(f"{type(error).__name__}: {error}".removesuffix(": "))
