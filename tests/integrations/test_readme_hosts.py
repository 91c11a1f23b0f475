"""What the README shows for each host works as it stands there, in applications as their tutorials make them."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.batching import batch_body
from tests.hosts.clients import send
from tests.servers.running import ROOT

README = (ROOT / "README.md").read_text("utf-8")
SECTION = README.partition("\n## Hosts\n")[2].partition("\n## ")[0]
PARTS = re.split(r"^\*\*(.+?)\*\*", SECTION, flags=re.M)
HOSTS = {
    name: re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    for name, text in zip(PARTS[1::2], PARTS[2::2], strict=True)
}
TASKS = [{"method": "get", "relative_path": "/tasks"}]


@pytest.mark.parametrize("name", HOSTS)
def test_no_block_has_ten_lines_or_more(name: str) -> None:
    for code in HOSTS[name]:
        assert len([line for line in code.splitlines() if line and not line.startswith(("#", "def", "class"))]) < 10


def test_the_lines_for_fastapi() -> None:
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    app = FastAPI()
    app.get("/tasks")(lambda: [{"gid": 1}])
    names: dict[str, Any] = {"app": app, "TestClient": TestClient}
    added, tested = HOSTS["FastAPI"]
    exec(added, names)
    exec(tested, names)
    names["test_batch_of_fastapi"]()
    assert TestClient(app).get("/docs").status_code == 200
    assert "/batch" in TestClient(app).get("/openapi.json").json()["paths"]
    assert TestClient(app).post("/batch", json={"actions": TASKS}).status_code == 401


def test_the_lines_for_flask() -> None:
    import flask
    import flask_smorest

    app = flask.Flask("tasks")
    app.config.update(API_TITLE="Tasks", API_VERSION="1", OPENAPI_VERSION="3.0.3", OPENAPI_URL_PREFIX="/")
    app.get("/tasks")(lambda: [{"gid": 1}])
    added, tested, documented = HOSTS["Flask"]
    names: dict[str, Any] = {"app": app, "api": flask_smorest.Api(app)}
    for code in (added, tested, documented):
        exec(code, names)
    names["test_batch_of_flask"]()
    assert "/batch" in app.test_client().get("/openapi.json").json["paths"]
    assert app.test_client().post("/batch", json={"actions": TASKS}).status_code == 401


def test_the_lines_for_litestar() -> None:
    from litestar import Litestar, get

    @get("/tasks", sync_to_thread=False)
    def tasks() -> list[str]:
        return []

    names: dict[str, Any] = {"app": Litestar([tasks])}
    exec(HOSTS["Litestar"][0], names)
    body = b'{"actions": [{"method": "get", "relative_path": "/tasks"}]}'
    headers = {"content-type": "application/json"}
    answer = send(names["application"], "asgi", "POST", "/batch", headers=headers, body=body)
    assert answer.json()["results"][0]["status_code"] == 200
    assert "/batch" in send(names["application"], "asgi", "GET", "/schema/openapi.json").json()["paths"]


def test_litestars_own_middleware_is_not_called_for_the_batch_route() -> None:
    """The reason that the README gives."""
    from litestar import Litestar
    from litestar.middleware import DefineMiddleware

    from batchware.asgi import BatchMiddleware

    app = Litestar([], middleware=[DefineMiddleware(BatchMiddleware)])
    headers = {"content-type": "application/json"}
    assert send(app, "asgi", "POST", "/batch", headers=headers, body=batch_body(TASKS)).status == 404


def test_the_lines_for_quart() -> None:
    import quart

    app = quart.Quart("tasks")

    @app.get("/tasks")
    async def tasks() -> Any:
        return []

    exec(HOSTS["Quart"][0], {"app": app})

    async def post() -> Any:
        answer = await app.test_client().post("/batch", json={"actions": TASKS})
        return await answer.get_json()

    assert asyncio.run(post())["results"][0]["status_code"] == 200


# --- Django: a project as `startproject` makes it, and the README's lines at the end of its files

_VIEWS = """
from django.contrib import admin
from django.http import JsonResponse
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls), path("api/tasks", lambda request: JsonResponse({"tasks": []}))]
"""
_REST_VIEWS = """
from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

class Tasks(APIView):
    def get(self, request):
        return Response([])

urlpatterns = [path("api/tasks", Tasks.as_view()), path("schema", SpectacularAPIView.as_view())]
"""
_REST_SETTINGS = """
INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken", "drf_spectacular"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": "3/day"},
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {"TITLE": "Tasks", "VERSION": "1"}
"""
_TESTS = """
from django.contrib.auth.models import User
from django.test import TestCase
"""
_REST_TESTS = """
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient, APITestCase
"""
_REST_TEST = """
    def test_batch(self):
        token = Token.objects.create(user=User.objects.create_user("ann"))
        self.client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        actions = {"actions": [{"method": "get", "relative_path": "/tasks"}] * 2}
        answer = self.client.post("/api/batch", actions, format="json")
        assert [result["status_code"] for result in answer.json()["results"]] == [200, 200], answer.content
        assert self.client.post("/api/batch", actions, format="json").status_code == 429

    def test_schema(self):
        self.client.force_authenticate(User.objects.create_user("ann"))
        assert "/api/batch" in self.client.get("/schema?format=json").json()["paths"]
"""


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manage("-m", "django", "startproject", "project", ".")

    def add(self, name: str, *texts: str) -> None:
        with (self.folder / "project" / name).open("a") as file:
            file.write("\n" + "\n".join(texts))

    def manage(self, *arguments: str) -> str:
        paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        ran = subprocess.run(
            [sys.executable, *arguments],
            check=False,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def check(self) -> None:
        """Its system checks find nothing, and its tests pass."""
        assert "no issues" in self.manage("manage.py", "check")
        assert "OK" in self.manage("manage.py", "test", "project")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_lines_for_django(project: Project) -> None:
    settings, application, tests = HOSTS["Django"]
    project.add("urls.py", _VIEWS)
    project.add("settings.py", settings)
    project.add("wsgi.py", application)
    project.add("asgi.py", application)
    project.add("tests.py", _TESTS, tests)
    project.check()


def test_the_lines_for_rest_framework(project: Project) -> None:
    settings, application, tests = HOSTS["Django REST framework"]
    project.add("urls.py", _REST_VIEWS)
    project.add("settings.py", _REST_SETTINGS, settings)
    project.add("wsgi.py", application)
    project.add("asgi.py", application.replace('"wsgi"', '"asgi"'))
    project.add("tests.py", _REST_TESTS, tests, _REST_TEST)
    project.check()
