"""The scope of a child request, built new from a fixed set of keys (C12, C16, C17).

Never a copy of the parent's that is repaired: copies have leaked the parent's body, cookies and query into actions
(request objects that frameworks cache in the scope), `path_params`, and `request.state` from one action to the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, MutableMapping
from functools import lru_cache, partial
from typing import Any

from ..contract.fields import Fields
from ..contract.headers import UNSAFE, idempotency_key, inherited
from ..contract.model import Action, Parent
from ..contract.nesting import SCOPE_KEY, Mark
from ..contract.paths import quote_path

Scope = MutableMapping[str, Any]

_SHARED = ("http_version", "scheme", "root_path", "client", "server", "app", "router", "app_root_path")


def mount_of(scope: Mapping[str, Any]) -> str:
    """The prefix that the scope's `path` has in front of what the host routes: its `root_path`, or nothing (C12)."""
    root: str | None = scope.get("root_path")
    path: str = scope["path"]
    return root if root and (path == root or path.startswith(root + "/")) else ""


def parent_of(scope: Mapping[str, Any], path: str) -> Parent:
    """The parent as hooks and rules see it; `path` is the scope's, below the mount point."""
    client = scope.get("client")
    return Parent(
        method=scope["method"],
        path=path,
        query=scope.get("query_string", b"").decode("latin-1"),
        scheme=scope.get("scheme", "http"),
        headers=Fields(partial(_decoded, scope["headers"])),
        client=client[0] if client else None,
        request=scope,
    )


def _decoded(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(_lower(name), value.decode("latin-1")) for name, value in fields]


@lru_cache(maxsize=2048)
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


@lru_cache(maxsize=2048)
def _goes_down(name: bytes) -> bool:
    return inherited(_lower(name)) and _lower(name) != "idempotency-key"  # which each action gets as its own


class ScopeBuilder:
    """Makes the child scopes of one batch; what they share is prepared once.

    `state` is the state that the lifespan left, or None to take the parent's; `base` is the API base.
    """

    def __init__(
        self, scope: Mapping[str, Any], *, base: str, state: Mapping[str, Any] | None, keep: Collection[str]
    ) -> None:
        shared: dict[str, Any] = {"type": "http"}
        shared.update([(key, scope[key]) for key in (*_SHARED, *keep) if key in scope])
        self._shared = shared
        # Whatever can be written to is each child's own: of two requests on one server it is too.
        self._copied = {key: scope[key] for key in ("asgi", "path_params") if key in scope}
        extensions: Mapping[str, Any] = scope.get("extensions") or {}
        if "tls" in extensions:
            self._copied["extensions"] = {"tls": extensions["tls"]}
        if state is not None or "state" in scope:
            self._copied["state"] = scope["state"] if state is None else state
        prefix = mount_of(scope) + base
        self._prefix = prefix
        self._raw_prefix = quote_path(prefix).encode("ascii")
        self._headers: list[tuple[bytes, bytes]] = []
        self._idempotency: list[tuple[bytes, str]] = []
        for name, value in scope["headers"]:
            if _goes_down(name):
                self._headers.append((name, value))
            elif name.lower() == b"idempotency-key":
                self._idempotency.append((name, value.decode("latin-1")))
        self._headers.append((b"accept-encoding", b"identity"))

    def build(self, action: Action, mark: Mark) -> Scope:
        """The scope of one action."""
        headers = self._headers.copy()
        if self._idempotency and action.method in UNSAFE:
            for name, value in self._idempotency:
                headers.append((name, idempotency_key(value, action.index).encode("latin-1")))
        if action.body is not None:
            headers.append((b"content-type", b"application/json"))
            headers.append((b"content-length", b"%d" % len(action.body)))
        elif action.method in ("POST", "PUT", "PATCH"):
            headers.append((b"content-length", b"0"))  # as every client sends it (RFC 9110, section 8.6)
        scope = self._shared.copy()
        scope["method"] = action.method
        scope["path"] = self._prefix + action.path
        scope["raw_path"] = self._raw_prefix + action.quoted.encode("ascii")
        scope["query_string"] = action.query.encode("ascii")
        scope["headers"] = headers
        scope[SCOPE_KEY] = mark
        for key, value in self._copied.items():
            scope[key] = dict(value)
        return scope
