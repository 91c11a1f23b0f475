"""The configurations that the fuzzers try, once as the judge reads them and once as options of the middleware."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_DEFAULT_DENY = ("POST /attachments", "POST /{any}/{id}/attachments", "/organization_exports/**", "/scim/**")


@dataclass(frozen=True)
class Setting:
    """What of a configuration the judge has to know; the defaults are those of the contract."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    """What the middleware is given, and all that it is given."""
    base: str = ""
    root_path: str = ""
    envelope: str | None = "data"
    body_envelope: str | None = "data"
    action_options: bool = True
    query_lists: str = "comma"
    delete_data: str = "query"
    deny: tuple[str, ...] = _DEFAULT_DENY
    allow: tuple[str, ...] | None = None
    max_actions: int = 10
    max_body_bytes: int = 1 << 20

    @property
    def path(self) -> str:
        """The batch route, below `root_path`."""
        return self.base + "/batch"


SETTINGS = (
    Setting("default"),
    Setting(
        "plain",
        {"style": "plain"},
        envelope=None,
        body_envelope=None,
        action_options=False,
        query_lists="repeat",
        deny=(),
    ),
    Setting("mounted", {"path": "/api/1.0/batch"}, base="/api/1.0", root_path="/mount"),
    Setting("bodies", {"query_lists": "repeat", "delete_data": "body", "body_envelope": None},
            query_lists="repeat", delete_data="body", body_envelope=None),
    Setting("allow", {"allow": ["GET /tasks/{id}", "/echo/**", "/batch", "POST /scim"]},
            allow=("GET /tasks/{id}", "/echo/**", "/batch", "POST /scim")),
    Setting("small", {"max_actions": 2, "max_body_bytes": 200}, max_actions=2, max_body_bytes=200),
    Setting("own deny", {"action_options": None, "deny": ["/secret/**", "PUT /things/{id}/lock"]},
            action_options=False, deny=("/secret/**", "PUT /things/{id}/lock")),
)  # fmt: skip
