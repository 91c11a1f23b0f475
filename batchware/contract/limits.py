"""Limits: the rules, and which actions fall under them (C35 to C38).

A batch of n actions is charged exactly what n direct requests would be: every action counts in every limit that its
method and path match, refused ones too. `charges` adds up what they owe, `limiter` is where it is counted.

A limit is kept by a subject: the principal that `authorize` named, else the client's address. Never by a header that
nobody has checked: a client that can choose its subject has a fresh bucket for every request.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from .errors import quoted
from .model import Action, Parent
from .patterns import check_pattern, folded, spellings

ANY: None = None
"""As `methods` or `paths` of a limit: all of them, and what has no valid method or path too (C38)."""

Key: TypeAlias = Callable[[Parent], str | None]
"""Whose requests are counted together: a function of the request, called once for a batch."""


def by_principal(parent: Parent) -> str | None:
    """The principal that `authorize` returned, else the client's address (C8)."""
    return f"principal:{parent.principal}" if parent.principal is not None else by_client(parent)


def by_client(parent: Parent) -> str | None:
    """The client's address, as the server reports it; None where it reports none (a UNIX socket)."""
    return f"client:{parent.client}" if parent.client is not None else None


def by_header(name: str) -> Key:
    """The value of a header, digested: for one that something in front sets or has checked, never for one that the
    client can make up."""
    lower = name.lower()

    def key(parent: Parent) -> str | None:
        value = parent.header(lower)
        return None if value is None else f"{lower}:{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()[:32]}"

    return key


def one(action: Action) -> int:
    """What an action costs unless a quota says otherwise."""
    return 1


@dataclass(frozen=True, eq=False)
class _Limit:
    """What both kinds of limit share: a name, a size, and which requests they count."""

    name: str
    """Names the limit in headers, messages and logs; letters, digits, `-`, `_`, `.`."""
    limit: int

    def _check(self, methods: Collection[str] | None, paths: Collection[str] | None, seconds: float) -> None:
        kind = type(self).__name__
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", self.name):
            raise ValueError(f"{kind}: a name is letters, digits, '-', '_' and '.', not {quoted(self.name)}")
        limit: Any = self.limit
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ValueError(f"{kind} {self.name}: limit must be a whole number from 1, not {limit!r}")
        if not seconds > 0:
            raise ValueError(f"{kind} {self.name}: {seconds!r} is no number of seconds above 0")
        if isinstance(methods, str) or isinstance(paths, str):
            raise TypeError(f"{kind} {self.name}: methods and paths are lists of strings, or ANY")
        for pattern in paths or ():
            try:
                check_pattern(pattern)
            except ValueError as error:
                raise ValueError(f"{kind} {self.name}: {error}") from None

    @cached_property
    def _methods(self) -> frozenset[str] | None:
        methods: Collection[str] | None = getattr(self, "methods", None)
        return None if methods is None else frozenset(method.upper() for method in methods)

    @cached_property
    def _paths(self) -> re.Pattern[str] | None:
        paths: Collection[str] | None = getattr(self, "paths", None)
        return None if paths is None else re.compile("|".join(map(folded, paths)))

    @cached_property
    def counts_all(self) -> bool:
        """Whether everything falls under this limit, so that nobody has to look."""
        return self._methods is None and self._paths is None

    def counts(self, action: Action) -> bool:
        """Whether `action` falls under this limit."""
        if self._methods is not None and action.method not in self._methods:
            return False
        if self._paths is None:
            return True
        return bool(action.path) and any(map(self._paths.fullmatch, spellings(action.path)))


@dataclass(frozen=True, eq=False)
class Quota(_Limit):
    """A standard limit: at most `limit` in any `per` seconds, by a sliding window.

    The window is two counters, this period's and the one before, which is taken to have been spent evenly. So over a
    period that is placed at the worst, a client that spends in bursts can get up to twice the limit; on average it
    gets the limit. `cost` is what an action costs, a whole number from 0; `charge_refused` makes a refused batch
    spend all the same.
    """

    per: float = field(default=60.0, kw_only=True)
    methods: Collection[str] | None = field(default=ANY, kw_only=True)
    paths: Collection[str] | None = field(default=ANY, kw_only=True)
    key: Key = field(default=by_principal, kw_only=True)
    cost: Callable[[Action], int] = field(default=one, kw_only=True)
    charge_refused: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        self._check(self.methods, self.paths, self.per)


@dataclass(frozen=True, eq=False)
class Concurrency(_Limit):
    """A limit on requests in flight. A slot whose worker died is free when its `lease` (seconds) ends (C39)."""

    lease: float = field(default=60.0, kw_only=True)
    methods: Collection[str] | None = field(default=ANY, kw_only=True)
    paths: Collection[str] | None = field(default=ANY, kw_only=True)
    key: Key = field(default=by_principal, kw_only=True)

    def __post_init__(self) -> None:
        self._check(self.methods, self.paths, self.lease)


Limit: TypeAlias = Quota | Concurrency

OWN = (Quota, Concurrency)
"""For `isinstance`: a union would be made anew at each question."""
