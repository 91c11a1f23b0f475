"""Which endpoints cannot be batched: the deny-list, the allow-list, and how a path is compared with them (C31 to C33).

The threat: a path spelled so that this check takes it for another, and the host's router for the denied one. So a
rule matches whole segments of the decoded path, in every spelling that some router is known to take for the same
(`spellings`), and the batch route itself can never be batched. The allow-list works the other way round: a path must
match it exactly, in every reading.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from .errors import quoted
from .model import Action, Parent

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
"""The methods of an action (C10)."""

BATCH_ROUTE = "{batch route}"
"""As the path of a rule: wherever the batch route of the middleware is."""


@dataclass(frozen=True, slots=True)
class DenyRule:
    """Endpoints named by a path pattern, relative to the API base, and optionally by methods (C32).

    `path` is whole segments: a literal, `{anything}` for one segment of any content, and `**` as the last one for
    everything below and the path itself. `methods` are the ones that the rule speaks of, all where it is None.
    `message` is what the client is told; None for the standard one. Raises `ValueError` for a pattern or a method
    that could never match.
    """

    path: str
    methods: Collection[str] | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        if self.path == BATCH_ROUTE:
            return
        segments = self.path.split("/")
        if segments[0] or len(segments) < 2 or "" in segments[1:-1]:
            raise ValueError(f"{quoted(self.path)} is no path pattern: it starts with '/' and has no empty segment")
        for segment in segments[1:]:
            if segment == "**" and segment is segments[-1]:
                continue
            if "*" in segment or (("{" in segment or "}" in segment) and not _WILDCARD.fullmatch(segment)):
                raise ValueError(
                    f"{quoted(self.path)} is no path pattern: a segment is a literal, '{{name}}', or '**' at the end"
                )
        if self.methods is not None:
            methods = frozenset(method.upper() for method in self.methods)
            if not methods or methods - METHODS:
                raise ValueError(f"{quoted(self.path)}: methods are some of {', '.join(sorted(METHODS))}")
            object.__setattr__(self, "methods", methods)

    @classmethod
    def parse(cls, text: str) -> DenyRule:
        """A rule from `"/scim/**"`, `"POST /attachments"` or `"GET,POST /tasks/{id}"`."""
        methods, space, path = text.rpartition(" ")
        return cls(path, methods.split(",") if space else None)


_WILDCARD = re.compile(r"\{[^{}]*\}")

Rule: TypeAlias = DenyRule | Callable[[Action, Parent], str | None]
"""One entry of `deny`: a pattern, or a function that answers with the refusal's message, or None (C33)."""

NESTED = DenyRule(BATCH_ROUTE, message="a batch cannot hold a batch")
"""The batch route itself: always on."""
UPLOADS = (DenyRule("/attachments", ["POST"]), DenyRule("/{anything}/{id}/attachments", ["POST"]))
"""Uploading attachments: multipart bodies have no place in a JSON batch."""
EXPORTS = (DenyRule("/organization_exports/**"),)
"""Creating, getting and deleting organization exports."""
SCIM = (DenyRule("/scim/**"),)
"""Any SCIM operation."""
DEFAULT_DENY: tuple[Rule, ...] = (*UPLOADS, *EXPORTS, *SCIM)
"""What Asana's batch API refuses beside itself (C31)."""


class Gate:
    """All rules of a middleware, compiled once: `refusal` says why an action must not be batched.

    `route` is the batch route relative to the API base. `allow` is None where everything that is not denied passes.
    """

    def __init__(self, deny: Iterable[Rule], allow: Iterable[DenyRule] | None, route: str) -> None:
        self._callables: list[Callable[[Action, Parent], str | None]] = []
        self._denied: list[tuple[re.Pattern[str], DenyRule]] = []
        for rule in (NESTED, *deny):
            if isinstance(rule, DenyRule):
                self._denied.append((re.compile(_pattern(rule, route, fold)), rule))
            else:
                self._callables.append(rule)
        self._allowed = None if allow is None else [(re.compile(_pattern(r, route, str)), r) for r in allow]
        # One look tells almost every path that it is none of these.
        self._any_denied = re.compile("|".join(pattern.pattern for pattern, _ in self._denied))

    def refusal(self, action: Action, parent: Parent) -> str | None:
        """Why `action` must not be batched, or None (C31 to C33)."""
        for spelling in spellings(action.path):
            if self._any_denied.fullmatch(spelling):
                for pattern, rule in self._denied:
                    if _covers(rule, action) and pattern.fullmatch(spelling):
                        return rule.message or f"{_named(action)} cannot be batched"
        if self._allowed is not None:
            for reading in _decodings(action.path):
                if not any(_covers(rule, action) and p.fullmatch(reading) for p, rule in self._allowed):
                    return f"{_named(action)} is not among the endpoints that can be batched"
        for ask in self._callables:
            if message := ask(action, parent):
                return message
        return None


def _covers(rule: DenyRule, action: Action) -> bool:
    return rule.methods is None or action.method in rule.methods


def _named(action: Action) -> str:
    return f"{action.method} {quoted(action.path)[1:-1]}"


def _pattern(rule: DenyRule, route: str, literal: Callable[[str], str]) -> str:
    path = route if rule.path == BATCH_ROUTE else rule.path
    parts: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "**":
            parts.append(r"(?:/.*)?")
        elif rule.path != BATCH_ROUTE and _WILDCARD.fullmatch(segment):
            parts.append("/[^/]+")
        elif segment or literal is str:  # compared without its trailing slash where spellings are folded
            parts.append("/" + re.escape(literal(segment)))
    return "(?s:" + "".join(parts) + ")"


def _decodings(path: str) -> Iterator[str]:
    """`path`, and what it becomes after one and two further decodings."""
    yield path
    octets = path.encode("utf-8")  # not as text: the bytes of one character may be escaped to different depths
    for _ in range(2):
        if b"%" not in octets:
            return
        octets = unquote_to_bytes(octets)
        yield octets.decode("utf-8", "replace")


def spellings(path: str) -> Iterator[str]:
    """Everything that a router may take a decoded `path` for, folded (C32): without a trailing slash, as it is and
    with `;parameters` cut off, after one and two further decodings. A further decoding may uncover separators and dot
    segments, so those are resolved too.
    """
    if path.isascii() and "%" not in path and ";" not in path:
        yield path.lower().rstrip("/")
        return
    for reading in _decodings(path):
        for form in {reading, re.sub(r";[^/]*", "", reading)}:
            segments: list[str] = []
            for segment in form.split("/"):
                if segment == "..":
                    del segments[-1:]
                elif segment not in ("", "."):
                    segments.append(fold(segment))
            yield "".join("/" + segment for segment in segments)


# Characters that are seen as nothing, beside the categories Cc and Cf: fillers, joiners and variation selectors.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_DOTTED_I = re.compile("[\u0131\u0130]|i\u0307")


def fold(text: str) -> str:
    """`text` with letter case, Unicode compatibility forms, dots of i and invisible characters folded away (C32)."""
    if text.isascii():
        return text.lower()
    seen = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf"))
    seen = _INVISIBLE.sub("", seen)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    return _DOTTED_I.sub("i", folded)
