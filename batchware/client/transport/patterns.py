"""Endpoints that go directly, named as a server names those that it does not batch: `"POST /tasks/{id}/attachments"`.

A server compares in every spelling that some router takes for the same; here letter by letter is enough, since what is
missed is only refused there, and then sent again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DIRECT = ("POST /attachments", "POST /{anything}/{id}/attachments", "/organization_exports/**", "/scim/**")
"""What a server of the asana style does not batch unless it is told otherwise."""

_PATTERN = re.compile(r"(?:[A-Za-z]+(?:,[A-Za-z]+)* )?(?:/(?:[^/*{}]+|\{[^/*{}]*\}))*(?:/\*\*|/)?")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Methods, None for all, and whole segments: a literal, `{any}` for one, `**` at the end for all below."""

    methods: frozenset[str] | None
    path: re.Pattern[str]

    @classmethod
    def read(cls, text: str) -> Pattern:
        """Raises `ValueError` for what is no pattern."""
        methods, space, path = text.rpartition(" ")
        if not path or not _PATTERN.fullmatch(text):
            raise ValueError(f"direct: {text!r} is no pattern; one is like '/scim/**' or 'POST,PUT /tasks/{{id}}'")
        segments = [segment for segment in path.split("/") if segment]
        spelled = "".join(
            "(?:/.*)?" if segment == "**" else "/[^/]+" if segment[0] == "{" else "/" + re.escape(segment)
            for segment in segments
        )
        named = frozenset(method.upper() for method in methods.split(",")) if space else None
        return cls(named, re.compile(spelled + "/?", re.DOTALL))

    def matches(self, method: str, path: str) -> bool:
        """Whether it means `method` on `path`, decoded and relative to the API base."""
        return (self.methods is None or method in self.methods) and self.path.fullmatch(path) is not None
