"""Which endpoints cannot be batched: the deny-list, the allow-list, and how a path is compared with them (C31 to C33).

The threat: a path spelled so that this check takes it for another, and the host's router for the denied one. So a
rule matches whole segments of the decoded path, in every spelling that some router is known to take for the same
(`spellings`), and the batch route itself can never be batched. The allow-list works the other way round: a path must
match it exactly, in every reading, and a wildcard takes nothing that another reading would take elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from .errors import quoted
from .model import Action, Parent
from .patterns import check_pattern, decodings, exact, folded, leads_elsewhere, spellings

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
        check_pattern(self.path)
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


Rule: TypeAlias = DenyRule | Callable[[Action, Parent], str | None]
"""One entry of `deny`: a pattern, or a function that answers with the refusal's message, or None (C33)."""

Ruler: TypeAlias = Rule | None
"""Who refuses an action: a rule of `deny`, or None for the allow-list."""


def name_of(ruler: Ruler) -> str:
    """A rule as it may stand in a log."""
    if ruler is None:
        return "no rule of allow names it"
    if isinstance(ruler, DenyRule):
        methods = "" if ruler.methods is None else ",".join(sorted(ruler.methods)) + " "
        return f"the deny rule {quoted(methods + ruler.path)}"
    return f"the deny function {getattr(ruler, '__qualname__', type(ruler).__qualname__)}"


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
                self._denied.append((re.compile(folded(_at(rule, route))), rule))
            else:
                self._callables.append(rule)
        self._allowed = None if allow is None else [(re.compile(exact(_at(r, route))), r) for r in allow]
        # One look tells almost every path that it is none of these.
        self._any_denied = re.compile("(?:" + "|".join(p.pattern for p, _ in self._denied) + ")/*", re.IGNORECASE)

    def refusal(self, action: Action, parent: Parent) -> str | None:
        """Why `action` must not be batched, or None (C31 to C33)."""
        ruling = self.ruling(action, parent)
        return ruling[0] if ruling else None

    def ruling(self, action: Action, parent: Parent) -> tuple[str, Ruler] | None:
        """The same, and who says so: a rule, or None for the allow-list."""
        path = action.path
        has_one_spelling = path.isascii() and "%" not in path and ";" not in path
        if not has_one_spelling or self._any_denied.fullmatch(path):
            for spelling in spellings(path):
                for pattern, rule in self._denied:
                    if _covers(rule, action) and pattern.fullmatch(spelling):
                        return rule.message or f"{named(action)} cannot be batched", rule
        if self._allowed is not None:
            if leads_elsewhere(action.path):
                return f"{named(action)} could be taken for another endpoint than those that can be batched", None
            for reading in decodings(path):
                if not any(_covers(rule, action) and p.fullmatch(reading) for p, rule in self._allowed):
                    return f"{named(action)} is not among the endpoints that can be batched", None
        for ask in self._callables:
            if message := ask(action, parent):
                return message, ask
        return None


def _covers(rule: DenyRule, action: Action) -> bool:
    return rule.methods is None or action.method in rule.methods


def named(action: Action) -> str:
    """Method and path as they may stand in a message: escaped, and no more of them than C29 lets through."""
    return f"{action.method} {quoted(action.path)[1:-1]}"


def _at(rule: DenyRule, route: str) -> str:
    return route if rule.path == BATCH_ROUTE else rule.path
