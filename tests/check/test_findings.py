"""What looks wrong about an application is found, and what does not is left in peace."""

from __future__ import annotations

from typing import Any

import pytest

from batchware import Quota
from batchware.check import survey
from batchware.check.findings import findings
from batchware.limiters.memory import MemoryLimiter
from tests.check import apps

FOUND: list[tuple[str, Any, str, str, str]] = [
    ("no batch route", apps.bare, "error", "no-batch-route", "no BatchMiddleware"),
    ("a wrong option", apps.wrong, "error", "wrong-option", "max_actions"),
    ("nobody is asked", apps.anybody, "warning", "no-authorize", "authorize is not set"),
    ("nothing below the base", apps.elsewhere, "error", "nothing-to-batch", "below /api"),
    ("a typing error in deny", apps.forgotten, "warning", "deny-without-route", "'POST /task/{id}/picture'"),
    ("a typing error in allow", apps.forgotten, "warning", "allow-without-route", "'/projects/**'"),
    ("an upload", apps.fastapi, "warning", "upload-not-denied", "POST /tasks/{id}/picture"),
    ("an area for few", apps.starlette, "warning", "internal-area", "/admin (1 endpoint)"),
    ("sessions outside", apps.wrapped_flask, "warning", "skipped-middleware", "SessionMiddleware"),
    ("a limit that no batch fits", apps.limited, "warning", "limit-too-small", "few (3)"),
    ("whoever makes up a header", apps.limited, "warning", "unchecked-principal", "require_header"),
    ("limits of one process", apps.limited, "note", "limits-in-memory", "share a Redis"),
    ("no threads", apps.one_by_one, "warning", "one-by-one", "threads=0"),
    ("no time-out", apps.flask, "note", "no-timeout", "action_timeout"),
    ("handlers on the loop", apps.litestar, "warning", "blocking-handlers", "1 endpoint"),
    ("a route in its place", apps.taken, "warning", "route-is-taken", "/api/{name}"),
]


def told(app: Any) -> list[tuple[str, str, str]]:
    return [(finding.level, finding.name, finding.message) for finding in findings(*survey(app))]


@pytest.mark.parametrize(("make", "level", "name", "words"), [pytest.param(*rest, id=id) for id, *rest in FOUND])
def test_it_is_found(make: Any, level: str, name: str, words: str) -> None:
    assert [one for one in told(make()) if one[:2] == (level, name) and words in one[2]], told(make())


def test_every_finding_is_found_in_some_test() -> None:
    import re
    from pathlib import Path

    from batchware.check import findings as module

    text = Path(module.__file__).read_text("utf-8")
    named = set(re.findall(r'Finding\((?:[^()]*?, )?"([a-z]+-[a-z-]+)"', text)) | {
        "deny-without-route",
        "allow-without-route",
    }
    tested = {name for _, _, _, name, _ in FOUND} | {"django-middleware", "persistent-connections", "unknown-routes"}
    assert named == tested


def test_a_good_application_is_left_in_peace() -> None:
    assert [level for level, *_ in told(apps.flask(action_timeout=30))] == []


def test_the_worst_comes_first() -> None:
    levels = [level for level, *_ in told(apps.limited())]
    assert levels == sorted(levels, key=("error", "warning", "note").index)
    assert set(levels) == {"warning", "note"}


@pytest.mark.parametrize("workers", ["4", "2"])
def test_limits_in_memory_are_worse_where_workers_are_several(workers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", workers)
    app = apps.flask(limits=[Quota("all", 100)], limiter=MemoryLimiter())
    assert ("warning", "limits-in-memory") in [one[:2] for one in told(app)]


def test_routes_that_can_not_be_told_are_said_to_be_unknown() -> None:
    from batchware import wsgi

    def host(environ: Any, start_response: Any) -> Any:
        raise AssertionError("never called")

    assert ("note", "unknown-routes") in [one[:2] for one in told(wsgi.BatchMiddleware(host, authorize=apps.somebody))]


def test_django_is_asked_for_its_middleware_and_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    from tests.contract.batching import host_named, wrap

    app = wrap(host_named("django-asgi"), authorize=apps.somebody)
    assert not {"django-middleware", "persistent-connections"} & {name for _, name, _ in told(app)}
    monkeypatch.setattr(settings, "MIDDLEWARE", ["project.BatchwareMiddleware"])
    monkeypatch.setattr(settings, "DATABASES", {"default": {"CONN_MAX_AGE": 60}, "other": {"CONN_MAX_AGE": 0}})
    found = {name: message for _, name, message in told(app)}
    assert "project.BatchwareMiddleware" in found["django-middleware"]
    assert "'default'" in found["persistent-connections"]
    assert "'other'" not in found["persistent-connections"]
