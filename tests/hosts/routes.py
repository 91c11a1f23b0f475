"""The routes of every host: those of the corpus of bypasses, and those with a behaviour to observe."""

from __future__ import annotations

from dataclasses import dataclass

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# The batch route can be `/batch` or `/api/1.0/batch`.
PREFIXES = ("", "/api/1.0")


@dataclass(frozen=True)
class Route:
    """A template of whole segments with at most one parameter; only `{path}` matches across slashes."""

    template: str
    kind: str

    @property
    def param(self) -> str | None:
        return self.template.partition("{")[2].partition("}")[0] or None

    @property
    def methods(self) -> tuple[str, ...]:
        """The corpus leaves HEAD to what the framework makes of GET; the other routes ask for it."""
        return METHODS if self.kind == "corpus" else (*METHODS, "HEAD")

    @property
    def reads_body(self) -> bool:
        return self.kind in {"echo", "respond"}

    @property
    def blocking(self) -> bool:
        """True for the routes that are a plain `def` wherever the framework knows such handlers."""
        return self.kind.endswith("-sync")


_CORPUS = (
    "/batch",
    "/organization_exports",
    "/organization_exports/{id}",
    "/scim/v2/Users",
    "/scim/v2/Users/{id}",
    "/attachments",
    "/tasks/{id}/attachments",
    "/tasks",
    "/tasks/{id}",
    "/attachments/{id}",
    "/batches",
    "/batches/{id}",
    "/my-attachments-notes",
    "/users/{id}",
    "/teams/",
    "/files/{path}",
    "/",
)
_OTHERS = (
    "/echo",
    "/echo/{path}",
    "/respond",
    "/raise",
    "/exit",
    "/nothing",
    "/half",
    "/forever",
    "/sleep/{ms}",
    "/sleep-sync/{ms}",
    "/background",
    "/gate/{name}",
    "/gate-sync/{name}",
    "/state",
)

ROUTES = (
    *(Route(template, "corpus") for template in _CORPUS),
    *(Route(template, template.split("/")[1]) for template in _OTHERS),
)
# Only hosts that hold the response in their own hands can complete it and raise afterwards.
LATE = Route("/late", "late")
