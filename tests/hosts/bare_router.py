"""The router of the two bare hosts: the route table as regular expressions, matched in order."""

from __future__ import annotations

import re

from tests.hosts.routes import LATE, PREFIXES, ROUTES, Route

_BRACES = re.compile(r"\\{(\w+)\\}")


def _pattern(prefix: str, template: str) -> re.Pattern[str]:
    escaped = re.escape(prefix + template)
    return re.compile(_BRACES.sub(lambda m: "(.*)" if m[1] == "path" else "([^/]+)", escaped), re.DOTALL)


_TABLE = [(_pattern(prefix, route.template), route) for prefix in PREFIXES for route in (*ROUTES, LATE)]


def find(path: str) -> tuple[Route, str | None] | None:
    """The route of this decoded path and its parameter."""
    for pattern, route in _TABLE:
        if match := pattern.fullmatch(path):
            return route, match[1] if match.groups() else None
    return None
