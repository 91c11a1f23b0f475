"""The routing table, and everything that is decided before and after an operation.

Decides who calls (a bearer token, 401 without a valid one, whatever the path), in which order errors win (401, then
404 or 405, then the body, then the operation), which operations may write, and how a failure looks. The faces ask the
framework's router for the operation; what happens then is the same for all of them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from batchware import NotAuthorized, Parent

from . import exports, files, idempotency, pages, people, projects, scim, tasks
from .call import Call
from .exchange import BASE, Answer, Refusal, Request, refused, wants_pretty
from .store import Store

logger = logging.getLogger("examples.taskboard")

Operation = Callable[[Call], Answer]

BATCH = f"{BASE}/batch"
UNAUTHORIZED = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Resource:
    """One path with its operations by method. In `path`, `{gid}` stands for one segment."""

    path: str
    operations: Mapping[str, Operation]
    enveloped: bool = True

    @property
    def name(self) -> str:
        """Unique, for routers that want a name."""
        return self.path.strip("/").replace("/", "-").replace("{gid}", "gid")

    @property
    def methods(self) -> list[str]:
        """In alphabetical order; where there is GET there is HEAD."""
        return sorted({*self.operations, "HEAD"} if "GET" in self.operations else self.operations)


RESOURCES = (
    Resource("/users", {"GET": people.list_users}),
    Resource("/users/{gid}", {"GET": people.get_user}),
    Resource("/tasks", {"GET": tasks.list_tasks, "POST": tasks.create_task}),
    Resource("/tasks/{gid}", {"GET": tasks.get_task, "PUT": tasks.update_task, "DELETE": tasks.delete_task}),
    Resource("/tasks/{gid}/addProject", {"POST": tasks.add_project}),
    Resource("/tasks/{gid}/removeProject", {"POST": tasks.remove_project}),
    Resource("/tasks/{gid}/addFollowers", {"POST": tasks.add_followers}),
    Resource("/tasks/{gid}/attachments", {"POST": files.create_task_attachment}),
    Resource("/projects", {"GET": projects.list_projects, "POST": projects.create_project}),
    Resource("/projects/{gid}", {"GET": projects.get_project}),
    Resource("/projects/{gid}/tasks", {"GET": projects.list_project_tasks}),
    Resource("/teams/{gid}", {"GET": people.get_team}),
    Resource("/teams/{gid}/addUser", {"POST": people.add_user}),
    Resource("/teams/{gid}/users", {"GET": people.list_team_users}),
    Resource("/attachments", {"GET": files.list_attachments, "POST": files.create_attachment}),
    Resource("/attachments/{gid}", {"GET": files.get_attachment}),
    Resource("/attachments/{gid}/content", {"GET": files.get_content}),
    Resource("/organization_exports", {"GET": exports.list_exports, "POST": exports.create_export}),
    Resource("/organization_exports/{gid}", {"GET": exports.get_export, "DELETE": exports.delete_export}),
    Resource("/scim/v2/Users", {"GET": scim.list_scim_users, "POST": scim.create_scim_user}, enveloped=False),
    Resource(
        "/scim/v2/Users/{gid}",
        {"GET": scim.get_scim_user, "PUT": scim.replace_scim_user, "DELETE": scim.delete_scim_user},
        enveloped=False,
    ),
)


class Board:
    """The API over one store. Every method may wait for the store's lock: call them from a thread that may block.

    `guest` is a token for whoever opens the page; without one it has to be brought along.
    """

    def __init__(self, store: Store, guest: str | None = None) -> None:
        self.store = store
        self.keys = idempotency.Keys()
        self.guest = guest

    def answer(self, request: Request, resource: Resource) -> Answer:
        """Runs the operation for a request that the router has found a resource and a known method for."""
        return _guarded(request, lambda query: self._operate(request, resource, query))

    def page(self, request: Request, path: str) -> Answer:
        """A part of the page, for everybody and from memory. `path` is one of `pages.PATHS`."""
        return pages.answer(request, path, self.guest)

    def no_route(self, request: Request) -> Answer:
        """The answer where the router has found nothing."""
        return _guarded(request, lambda query: self._refuse(request, Refusal(404, "No matching route for request")))

    def no_method(self, request: Request, methods: Iterable[str]) -> Answer:
        """The answer where the router has found the path, but with other methods."""
        refusal = Refusal(405, "Method not allowed for this path", {"Allow": ", ".join(sorted(methods))})
        return _guarded(request, lambda query: self._refuse(request, refusal))

    def authorize(self, parent: Parent) -> str:
        """For batchware: the user whom a batch runs for, by the same rule as for a direct request."""
        try:
            return str(self._user(parent.header("authorization")))
        except Refusal as refusal:
            raise NotAuthorized(refusal.message, headers=refusal.headers) from None

    def _user(self, authorization: str | None) -> int:
        scheme, _, token = (authorization or "").partition(" ")
        user = self.store.user_of(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise Refusal(401, "Not Authorized", UNAUTHORIZED)
        return user

    def _refuse(self, request: Request, refusal: Refusal) -> Answer:
        # A preflight comes without credentials by design, so it is told the truth without them.
        if request.method != "OPTIONS":
            self._user(request.authorization)
        raise refusal

    def _operate(self, request: Request, resource: Resource, query: Mapping[str, str]) -> Answer:
        user = self._user(request.authorization)
        reads = request.method in {"GET", "HEAD"}
        data = {} if reads or request.method == "DELETE" or request.form else _data(request.body, resource.enveloped)
        operation = resource.operations["GET" if reads else request.method]
        path = resource.path.format(**request.params)
        key = None if reads else request.idempotency_key
        with self.keys.held(user, key), self.store.transaction(write=not reads) as db:
            digest = "" if key is None else idempotency.digest_of(request, path)
            if key is not None and (answer := idempotency.stored(db, user, key, digest)):
                return answer
            now = self.store.clock()
            answer = operation(Call(db=db, user=user, now=now, request=request, path=path, query=query, data=data))
            if key is not None:
                idempotency.keep(db, user, key, digest, answer=answer, now=now)
            return answer


def _guarded(request: Request, work: Callable[[Mapping[str, str]], Answer]) -> Answer:
    query = request.query()
    try:
        return work(query)
    except Refusal as refusal:
        return refused(refusal, pretty=wants_pretty(query))
    except Exception:
        logger.exception("%s failed", request.method)
        return refused(Refusal(500, "Server Error"), pretty=wants_pretty(query))


def _data(body: bytes, enveloped: bool) -> dict[str, Any]:
    try:
        parsed = json.loads(body.decode()) if body else {}
    except (ValueError, RecursionError):
        raise Refusal(400, "Could not parse request body as JSON") from None
    data = parsed.get("data", {}) if enveloped and isinstance(parsed, dict) else parsed
    if not isinstance(data, dict):
        raise Refusal(400, "data: Not an object" if enveloped else "The body must be a JSON object")
    return data
