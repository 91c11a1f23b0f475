"""Ready-made answers to "who sends this batch?" for `authorize` (C8)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from .contract.errors import NotAuthorized
from .contract.model import Parent


def require_header(name: str, *, challenge: str | None = None) -> Callable[[Parent], str]:
    """An `authorize` that asks for the header `name` and leaves it to each action to check what it says.

    The principal is a SHA-256 digest of the value, so that no token gets into a log. Without the header the whole batch
    is 401; `challenge` is its `WWW-Authenticate`, `Bearer` by default where the header is `authorization`
    (RFC 9110, section 11.6.1, wants one).
    """
    lower = name.lower()
    if challenge is None and lower == "authorization":
        challenge = "Bearer"
    headers = {"WWW-Authenticate": challenge} if challenge else {}

    def authorize(parent: Parent) -> str:
        value = parent.header(lower)
        if not value:
            raise NotAuthorized(f"A batch needs the header {name}.", headers=headers)
        return hashlib.sha256(f"{lower}:{value}".encode("utf-8", "surrogateescape")).hexdigest()[:32]

    return authorize
