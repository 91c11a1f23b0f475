"""The routes of every host are read as they are, and what is said of them is what a batch finds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchware import Quota
from batchware.check import survey
from batchware.check.endpoints import overlaps, template
from tests.contract.batching import action, every_host, post_batch, wrap
from tests.hosts import HOSTS, Host, params
from tests.hosts.routes import LATE, PREFIXES, ROUTES

TOLD = params(*(host for host in HOSTS if host.id not in ("asgi", "wsgi")))


def _expected() -> set[str]:
    return {prefix + route.template.replace("{path}", "{path...}") for prefix in PREFIXES for route in ROUTES}


@pytest.mark.parametrize("host", TOLD)
def test_every_route_of_a_host_is_read(host: Host) -> None:
    ((found,), wrong) = survey(wrap(host))
    assert wrong == []
    assert found.verdicts is not None
    paths = {verdict.endpoint.path.rstrip("/") for verdict in found.verdicts}  # Litestar cuts it off
    expected = {path.rstrip("/") for path in _expected()}
    assert expected - paths == set()
    assert paths - expected <= {prefix + LATE.template for prefix in PREFIXES}
    assert {verdict.endpoint.kind for verdict in found.verdicts} <= {"async", "sync"}


@pytest.mark.parametrize("host", params(*(host for host in HOSTS if host.id in ("asgi", "wsgi"))))
def test_what_has_no_routes_to_tell_is_unknown(host: Host) -> None:
    ((found,), _) = survey(wrap(host))
    assert found.verdicts is None
    assert found.frameworks == ("unknown framework",)


RULES: list[dict[str, Any]] = [
    {},
    {"deny": ["/echo/**", "POST /tasks/{id}"], "path": "/api/1.0/batch"},
    {"allow": ["GET /tasks/{id}", "/files/**", "/users/{id}"]},
]


_CALM = {
    prefix + route.template.replace("{path}", "{path...}")
    for prefix in PREFIXES
    for route in ROUTES
    if route.kind == "corpus"
}


@pytest.mark.parametrize("options", RULES, ids=["default", "deny", "allow"])
@pytest.mark.parametrize("host", TOLD)
def test_what_is_said_of_an_endpoint_is_what_a_batch_finds(host: Host, options: dict[str, Any]) -> None:
    app = wrap(host, max_actions=256, **options)
    ((found,), _) = survey(app)
    asked = [
        (verdict, method)
        for verdict in found.verdicts or ()
        for method in verdict.methods
        if verdict.relative and verdict.endpoint.path in _CALM
    ]
    assert len({verdict.why is None for verdict, _ in asked}) == 2, "some can be batched and some can't"
    for start in range(0, len(asked), 200):
        some = asked[start : start + 200]
        sent = [action(verdict.endpoint.sample[len(found.config.base) :], method) for verdict, method in some]
        answer = post_batch(app, host, sent, path=found.config.path)
        for (verdict, method), result in zip(some, answer.results, strict=True):
            refused = result["status_code"] == 400 and "relative_path" in json.dumps(result["body"])
            assert refused == (verdict.why is not None), (method, verdict, result)


@every_host
def test_the_limits_of_an_endpoint_are_those_that_count_it(host: Host) -> None:
    limits = [Quota("all", 100), Quota("reads", 100, methods=["GET"]), Quota("tasks", 100, paths=["/tasks/**"])]
    ((found,), _) = survey(wrap(host, limits=limits))
    if found.verdicts is None:
        return
    counted = {(verdict.relative, method): verdict.limits for verdict in found.verdicts for method in verdict.methods}
    assert counted["/tasks/{id}", "GET"] == ("all", "reads", "tasks")
    assert counted["/tasks/{id}", "POST"] == ("all", "tasks")
    assert counted["/users/{id}", "PUT"] == ("all",)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("/tasks/<int:id>", "/tasks/{id}"),
        ("/tasks/{id:int}", "/tasks/{id}"),
        ("/tasks/{id}", "/tasks/{id}"),
        ("/files/<path:rest>", "/files/{rest...}"),
        ("/files/{rest:path}", "/files/{rest...}"),
        ("/files/{rest:.*}", "/files/{rest...}"),
        (r"/years/{year:\d{4}}/x", "/years/{year}/x"),
        ("", "/"),
    ],
)
def test_templates_of_all_frameworks_read_alike(written: str, read: str) -> None:
    assert template(written) == read


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/tasks", "/tasks", True),
        ("/TASKS", "/tasks/", True),
        ("/tasks", "/tasks/{id}", False),
        ("/tasks/**", "/tasks", True),
        ("/tasks/**", "/tasks/{id}/x", True),
        ("/tasks/{id}", "/tasks/new", True),
        ("/tasks/new", "/tasks/{id}", True),
        ("/tasks/{id}/x", "/tasks/{rest...}", True),
        ("/users", "/{anything...}", True),
        ("/users", "/tasks", False),
    ],
)
def test_a_rule_names_a_route_where_some_path_is_both(pattern: str, path: str, expected: bool) -> None:
    assert overlaps(pattern, path) is expected
