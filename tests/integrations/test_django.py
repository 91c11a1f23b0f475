"""A project of Django with a batch route: its own tests, its system checks, its servers."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.needs import require
from tests.servers.running import DEADLINE, LOOPBACK, ROOT, free_port, wait_for

PROJECT = "tests.integrations.django_project"
BATCH = {"actions": [{"method": "get", "relative_path": "/page"}, {"method": "get", "relative_path": "/nowhere"}]}
HEADERS = {"Content-Type": "application/json", "Authorization": "Token x"}


def _environment(**more: str) -> dict[str, str]:
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings", "PYTHONPATH": paths, **more}


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        env=_environment(**environment),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("kept", "cases"),
    [
        pytest.param("memory", ("Client", "Rest", "Atomic", "Live"), id="a database in memory"),
        pytest.param("file", ("Client", "Rest", "Atomic", "LiveInParallel", "Applications"), id="a database in a file"),
    ],
)
def test_the_projects_own_tests_pass(kept: str, cases: tuple[str, ...], tmp_path: Path) -> None:
    named = [f"{PROJECT}.cases.{case}" for case in cases]
    file = {"TASKS_DATABASE": str(tmp_path / "db.sqlite3")} if kept == "file" else {}
    ran = _run("-m", "django", "test", *named, **file)
    assert ran.returncode == 0, ran.stderr
    assert "OK" in ran.stderr


# --- checks

_CHECK = """
import sys, django
from django.conf import settings
django.setup()
from django.core.checks import run_checks
{change}
for message in run_checks(include_deployment_checks=True):
    if message.id.startswith("batchware."):
        print(message.id, message.msg, message.hint)
"""


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param("", "", id="a good project", marks=[]),
        pytest.param(
            "settings.MIDDLEWARE.append('batchware.asgi.BatchMiddleware')",
            "batchware.E001 batchware.asgi.BatchMiddleware stands in MIDDLEWARE.",
            id="in MIDDLEWARE",
        ),
        pytest.param(
            "settings.BATCHWARE['max_actons'] = 5",
            "batchware.E002 settings.BATCHWARE: 'max_actons' is no option of batchware; did you mean 'max_actions'?",
            id="a wrong option",
        ),
        pytest.param(
            "settings.BATCHWARE['authorize'] = 'tasks.nothing.authorize'",
            "batchware.E002 settings.BATCHWARE['authorize']: No module named 'tasks'",
            id="a dotted path that leads nowhere",
        ),
        pytest.param("settings.BATCHWARE = []", "batchware.E002 settings.BATCHWARE must be a dict",
                     id="no dict"),
        pytest.param(
            "settings.WSGI_APPLICATION = settings.ASGI_APPLICATION = None",
            "batchware.W001 Neither WSGI_APPLICATION nor ASGI_APPLICATION has a batch route.",
            id="nothing in front",
        ),
        pytest.param(
            "settings.DATABASES['default']['CONN_MAX_AGE'] = None",
            "batchware.W002 The connections of 'default' are persistent (CONN_MAX_AGE) behind ASGI.",
            id="persistent connections",
        ),
        pytest.param(
            "import batchware; settings.BATCHWARE['limits'] = [batchware.Quota('all', 1500)]\n"
            "settings.WSGI_APPLICATION = settings.ASGI_APPLICATION = None",
            "batchware.W003 The limits of batchware are counted in memory.",
            id="limits of each process",
        ),
        pytest.param(
            "settings.CACHES['default']['BACKEND'] = 'django.core.cache.backends.locmem.LocMemCache'",
            "batchware.W004 REST framework's throttles are counted in a cache that each process has for itself.",
            id="throttles of each process",
        ),
    ],
)  # fmt: skip
def test_the_checks_name_what_is_wrong(change: str, found: str) -> None:
    shared = "settings.CACHES['default'] = {'BACKEND': 'django.core.cache.backends.db.DatabaseCache', 'LOCATION': 'c'}"
    code = _CHECK.format(change=f"{shared}\n{change}")
    ran = _run("-c", code)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert any(line.startswith(found) for line in lines) if found else not lines, lines


# --- servers


@contextmanager
def _serving(*arguments: str, port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=_environment(**environment),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:

        def answers() -> bool:
            assert process.poll() is None, f"the server ended with {process.returncode}"
            with suppress(OSError, http.client.HTTPException):
                return _request(port, "GET", "/api/page").status == 200
            return False

        wait_for(f"{arguments[0]} answers", answers, 3 * DEADLINE)
        yield process
    finally:
        process.terminate()
        process.wait(DEADLINE)


def _request(port: int, method: str, path: str, body: Any = None) -> http.client.HTTPResponse:
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=DEADLINE)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body), HEADERS)
        answer = connection.getresponse()
        answer.json = json.loads(answer.read()) if body is not None else None
        return answer


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("django", "runserver", "--noreload", "{port}"), id="runserver"),
        pytest.param(("django", "runserver", "--noreload", "{port}", "daphne"), id="runserver of daphne"),
        pytest.param(("uvicorn", f"{PROJECT}.asgi:application", "--port", "{port}"), id="uvicorn"),
        pytest.param(("waitress", "--listen=127.0.0.1:{port}", f"{PROJECT}.wsgi:application"), id="waitress"),
    ],
)
def test_servers_have_the_batch_route(arguments: tuple[str, ...]) -> None:
    apps = {}
    if arguments[-1] == "daphne":
        require("daphne")
        arguments, apps = arguments[:-1], {"TASKS_APPS": "daphne"}
    port = free_port()
    with _serving(*(argument.format(port=port) for argument in arguments), port=port, **apps):
        answer: Any = _request(port, "POST", "/api/batch", BATCH)
        assert answer.status == 200
        assert [result["status_code"] for result in answer.json["results"]] == [200, 404]
