"""`python -m batchware check`: its exit status, its text and its JSON, and what it imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batchware.__main__ import main

ROOT = Path(__file__).parents[2]


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """As the script runs it: without the folder among the places of modules (`-P`)."""
    command = [sys.executable, "-P", "-m", "batchware", "check", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["tests.check.apps:flask()"], 0),
        (["tests.check.apps:flask()", "--strict"], 0),
        (["tests.check.apps:anybody()"], 0),
        (["tests.check.apps:anybody()", "--strict"], 1),
        (["tests.check.apps:anybody()", "--strict", "--ignore", "no-authorize"], 0),
        (["tests.check.apps:bare()"], 1),
        (["tests.check.apps:wrong()"], 1),
        (["tests.check.apps"], 2),
        (["tests.check.nowhere:app"], 2),
        (["tests.check.apps:nothing"], 2),
        (["tests.check.apps:ROOT"], 2),
        (["tests.check.apps:factory()"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_the_exit_status_is_for_ci(arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *arguments]) == status
    out, err = capsys.readouterr()
    assert bool(err) == (status == 2)
    assert bool(out) == (status != 2)


def test_a_wrong_command_line_is_2() -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["check"])
    assert stopped.value.code == 2


def test_the_text_says_it_all(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "tests.check.apps:limited()"])
    assert capsys.readouterr().out == LIMITED


LIMITED = """\
tests.check.apps:limited()

  batch route  POST /api/batch, around Flask (WSGI)
  paths        relative to /api, at most 10 actions a batch
  who          require_header
  outside      nothing
  inside       the host
  parallel     all actions of a batch at once, on the calling thread and 32 threads that all batches of a
               process share
  limits       few 3 in 60 s; reads 50 in flight
  rules        the default deny rules
  areas        /tasks (1)

Can be batched: 1 path
  GET  /api/tasks/{id}  few, reads

Cannot be batched: 1 path
  GET  /health  not below /api

To look at
  warning  unchecked-principal  limits are counted by a header that require_header does not check; whoever
                                makes one up has new ones
  warning  limit-too-small      the limit few (3) can never admit a batch of 10
  note     limits-in-memory     limits are counted in memory, so each worker process has its own: with
                                several, share a Redis
  note     no-timeout           action_timeout is not set: a batch waits for its slowest action, as long as
                                the server lets it

2 warnings, 2 notes
"""


def test_json_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "tests.check.apps:fastapi()", "--json"])
    told: Any = json.loads(capsys.readouterr().out)
    assert told["application"] == "tests.check.apps:fastapi()"
    (route,) = told["batch_routes"]
    assert (route["path"], route["base"], route["door"], route["frameworks"]) == ("/batch", "", "asgi", ["FastAPI"])
    assert route["areas"] == {"/tasks": 2}
    read, *_ = route["endpoints"]
    assert read == {
        "path": "/tasks/{id}", "methods": ["GET"], "handler": "fastapi.read", "runs": "sync", "batched": True,
        "why": None, "limits": [],
    }  # fmt: skip
    assert [finding["name"] for finding in told["findings"]] == ["upload-not-denied"]


def test_as_a_module_it_finds_applications_where_it_is_started(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(
        "from batchware import require_header, wsgi\n"
        "def host(environ, start_response): ...\n"
        "app = wsgi.BatchMiddleware(host, authorize=require_header('authorization'), action_timeout=5)\n"
        "import sys\n"
        "import atexit\n"
        "atexit.register(lambda: print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr))\n"
    )
    done = run("service:app", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "POST /batch, around unknown framework (WSGI)" in done.stdout
    loaded = set(done.stderr.split())
    assert "batchware" in loaded
    assert not loaded & {
        "django",
        "falcon",
        "fastapi",
        "flask",
        "litestar",
        "pyramid",
        "quart",
        "starlette",
        "werkzeug",
    }


def test_what_a_framework_imports_later_is_found_there_too(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text(
        "from django.conf import settings\n"
        "settings.configure(ROOT_URLCONF='project_urls', SECRET_KEY='x', MIDDLEWARE=[])\n"
        "from django.core.wsgi import get_wsgi_application\n"
        "from batchware.wsgi import BatchMiddleware\n"
        "application = BatchMiddleware(get_wsgi_application(), path='/api/batch')\n"
    )
    done = run("project:application", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the routes of project:application can't be read: ModuleNotFoundError" in done.stderr
    (tmp_path / "project_urls.py").write_text(
        "from django.urls import path, re_path\n"
        "from django.views.decorators.http import require_GET\n"
        "from django.views.generic import TemplateView\n"
        "view = require_GET(lambda request: None)\n"
        "old = re_path(r'^api/old/(?P<year>[0-9]{4})/$', TemplateView.as_view())\n"
        "urlpatterns = [path('api/tasks/<int:id>', view), old]\n"
    )
    done = run("project:application", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "  GET  /api/tasks/{id}\n" in done.stdout
    assert "  GET  /api/old/{year}/\n" in done.stdout


def test_an_application_that_fails_is_2_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "lacking.py").write_text("import no_such_library\n")
    assert "ZeroDivisionError" in run("broken:app", folder=tmp_path).stderr
    assert run("broken:app", folder=tmp_path).returncode == 2
    assert "no_such_library, which is not installed" in run("lacking:app", folder=tmp_path).stderr
