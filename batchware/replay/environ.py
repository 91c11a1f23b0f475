"""The environ of a child request, built new from a fixed set of keys (C12, C16, C17, PEP 3333).

Never a copy of the parent's that is repaired: copies have leaked the parent's JSON and cookies (Bottle caches its
request there), and given Flask a stale `CONTENT_LENGTH`.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from functools import lru_cache, partial
from typing import Any

from ..contract.fields import Fields
from ..contract.headers import UNSAFE, idempotency_key, inherited
from ..contract.model import Action, Parent
from ..contract.nesting import ENVIRON_KEY, Mark

Environ = dict[str, Any]

_SHARED = (
    "SCRIPT_NAME", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT", "REMOTE_HOST",
    "REMOTE_USER", "AUTH_TYPE", "HTTPS", "wsgi.version", "wsgi.url_scheme", "wsgi.errors", "wsgi.multiprocess",
    "wsgi.run_once",
)  # fmt: skip


# The type and length of the body are keys of their own. Gateways of CGI's family (nginx's `uwsgi_pass`) repeat them
# among the headers, where hosts don't look; taken for headers they would be a second type, and refused (C3).
_REPEATED = {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"}


@lru_cache(maxsize=2048)
def _header_of(key: str) -> str:
    return key[5:].replace("_", "-").lower()


def parent_of(environ: Mapping[str, Any]) -> Parent:
    """The parent as hooks and rules see it."""
    return Parent(
        method=environ["REQUEST_METHOD"],
        path=text(environ.get("PATH_INFO", "")),
        query=environ.get("QUERY_STRING", ""),
        scheme=environ["wsgi.url_scheme"],
        headers=Fields(partial(_fields, environ)),
        client=environ.get("REMOTE_ADDR") or None,
        request=environ,
    )


def _fields(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    headers = [
        (_header_of(key), value) for key, value in environ.items() if key.startswith("HTTP_") and key not in _REPEATED
    ]
    for key, name in (("CONTENT_TYPE", "content-type"), ("CONTENT_LENGTH", "content-length")):
        if environ.get(key):
            headers.append((name, environ[key]))
    return headers


def text(native: str) -> str:
    """A path of an environ (UTF-8 bytes as latin-1, PEP 3333) as text."""
    return native.encode("latin-1").decode("utf-8", "replace")


def native(path: str) -> str:
    """A path as it stands in an environ (C12)."""
    return path if path.isascii() else path.encode("utf-8").decode("latin-1")


class EnvironBuilder:
    """Makes the child environs of one batch; what they share is prepared once. `base` is the API base."""

    def __init__(self, environ: Mapping[str, Any], *, base: str, keep: Collection[str]) -> None:
        shared: Environ = {"wsgi.multithread": True}
        for key in _SHARED:
            if key in environ:
                shared[key] = environ[key]
        for key, value in environ.items():
            if key.startswith("SSL_") or (key.startswith("HTTP_") and inherited(_header_of(key))):
                shared[key] = value
        for key in keep:
            if key in environ:
                shared[key] = environ[key]
        shared["HTTP_ACCEPT_ENCODING"] = "identity"
        shared.setdefault("SCRIPT_NAME", "")
        self._idempotency: str | None = shared.pop("HTTP_IDEMPOTENCY_KEY", None)
        self._shared = shared
        self._base = base

    def build(self, action: Action, mark: Mark) -> Environ:
        """The environ of one action."""
        environ = self._shared.copy()
        environ["REQUEST_METHOD"] = action.method
        environ["PATH_INFO"] = native(self._base + action.path)
        environ["QUERY_STRING"] = action.query
        if self._idempotency is not None and action.method in UNSAFE:
            environ["HTTP_IDEMPOTENCY_KEY"] = idempotency_key(self._idempotency, action.index)
        body = action.body
        if body is None:
            body = b""
        else:
            environ["CONTENT_TYPE"] = "application/json"
        environ["CONTENT_LENGTH"] = str(len(body))  # always: a body without it would be read to the end
        environ["wsgi.input"] = io.BytesIO(body)
        environ[ENVIRON_KEY] = mark
        return environ
