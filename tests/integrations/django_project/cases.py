"""The project's tests as its authors would write them: Django's and REST framework's clients, and the live server.

They are run by Django's own test runner, in a process of their own (`test_django.py`), with a database in memory and
with one in a file.
"""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any, Literal
from wsgiref.util import FileWrapper, setup_testing_defaults

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connections
from django.test import LiveServerTestCase, TestCase, TransactionTestCase
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from batchware import Quota
from batchware.testing.django import BatchClient, BatchLiveServerThread, BatchRoute
from tests.hosts.clients import send
from tests.servers.running import wait_for

from . import asgi, views, wsgi
from .models import Task

JSON = "application/json"
CSRF = "a" * 32


def batch(*actions: tuple[str, str]) -> dict[str, Any]:
    return {"actions": [{"method": method, "relative_path": path} for method, path in actions]}


def all_closed() -> None:
    """Every connection that a view has used is closed, in its thread, as soon as that thread comes to it."""
    wait_for("closed connections", lambda: views.used and not any(used.connection for used in views.used))


def statuses(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [result["status_code"] for result in response.json()["results"]]


class APIBatchClient(BatchRoute, APIClient):
    pass


class Client(TestCase):
    client_class = BatchClient

    def setUp(self) -> None:
        views.threads.clear()
        self.user = User.objects.create_user("ann", password="secret")
        self.task = Task.objects.create(title="first")

    def test_a_batch_sees_what_the_test_has_written(self) -> None:
        self.client.force_login(self.user)
        path = f"/plain/{self.task.pk}"
        answer = self.client.post("/api/batch", batch(("get", path), ("put", path), ("get", "/plain/0")), JSON)
        assert statuses(answer) == [200, 200, 404]
        self.task.refresh_from_db()
        assert self.task.title == "renamed"
        assert set(views.threads) == {threading.get_ident()}

    def test_a_batch_without_credentials_is_refused(self) -> None:
        answer = self.client.post("/api/batch", batch(("get", "/who")), JSON)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")

    def test_a_direct_response_is_djangos_own(self) -> None:
        answer = self.client.get("/api/page")
        self.assertContains(answer, "<h1>Tasks</h1>")
        assert answer.context["title"] == "Tasks"
        assert answer.resolver_match.func is views.page
        assert self.client.get("/api/who").wsgi_request.path == "/api/who"

    def test_a_session_that_an_action_begins_goes_on(self) -> None:
        self.client.cookies["visited"] = "yes"
        assert statuses(self.client.post("/api/batch", batch(("post", "/login")), JSON)) == [200]
        assert self.client.get("/api/who").json() == {"user": "ann"}

    def test_csrf_tokens_are_asked_of_actions_too(self) -> None:
        client = BatchClient(enforce_csrf_checks=True)
        client.force_login(self.user)
        client.cookies["csrftoken"] = CSRF
        actions = batch(("put", f"/plain/{self.task.pk}"), ("get", "/who"))
        assert statuses(client.post("/api/batch", actions, JSON)) == [403, 200]
        answer = client.post("/api/batch", actions, JSON, headers={"X-CSRFToken": CSRF})
        assert statuses(answer) == [200, 200]

    def test_what_a_view_raises_is_raised_or_shown(self) -> None:
        self.client.force_login(self.user)
        with self.assertRaisesMessage(ValueError, "half way"):
            self.client.post("/api/batch", batch(("post", "/half")), JSON)
        client = BatchClient(raise_request_exception=False)
        client.force_login(self.user)
        with self.assertLogs("django.request"):
            answer = client.post("/api/batch", batch(("post", "/half"), ("post", "/add")), JSON)
        assert statuses(answer) == [500, 200]
        assert [task.title for task in Task.objects.all()] == ["first", "whole"]

    def test_the_route_takes_posts_and_has_its_own_headers(self) -> None:
        assert self.client.get("/api/batch").status_code == 405
        self.client.force_login(self.user)
        assert self.client.post("/api/batch", batch(("get", "/who")), JSON)["Cache-Control"] == "no-store"

    def test_limits_count_batches_and_direct_requests(self) -> None:
        class Limited(BatchClient):
            batch_options = {"limits": [Quota("all", 11)], "count_direct": True, "ratelimit_headers": True}  # noqa: RUF012  # Django and Flask read it so

        client = Limited()
        client.force_login(self.user)
        assert len(statuses(client.post("/api/batch", batch(*([("get", "/who")] * 10)), JSON))) == 10
        last = client.get("/api/page")
        assert (last.status_code, last.context["title"]) == (200, "Tasks")
        assert "r=0" in last["RateLimit"]
        assert client.get("/api/page").status_code == 429


class Rest(TestCase):
    client_class = APIBatchClient

    def setUp(self) -> None:
        cache.clear()
        self.user = User.objects.create_user("ann", password="secret")
        Task.objects.create(title="first")

    def send(self, *actions: tuple[str, str]) -> Any:
        return self.client.post("/api/batch", batch(*actions), format="json")

    def test_a_token_is_each_actions(self) -> None:
        self.client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=self.user)}")
        assert statuses(self.send(("get", "/rest/tasks/"), ("get", "/who"))) == [200, 200]
        self.client.credentials(HTTP_AUTHORIZATION="Token none")
        assert statuses(self.send(("get", "/rest/tasks/"))) == [401]

    def test_a_session_is_each_actions_with_its_csrf_token(self) -> None:
        client = self.client = APIBatchClient(enforce_csrf_checks=True)
        client.force_login(self.user)
        client.cookies["csrftoken"] = CSRF
        body = {"method": "post", "relative_path": "/rest/tasks/", "data": {"title": "second"}}
        assert statuses(client.post("/api/batch", {"actions": [body]}, format="json")) == [403]
        answer = client.post("/api/batch", {"actions": [body]}, format="json", HTTP_X_CSRFTOKEN=CSRF)
        assert statuses(answer) == [201]
        assert answer.json()["results"][0]["body"]["title"] == "second"

    def test_force_authenticate_is_each_actions(self) -> None:
        self.client.force_authenticate(self.user)
        self.client.cookies["some"] = "cookie"
        with self.assertNoLogs("batchware"):
            assert statuses(self.send(("get", "/rest/tasks/"))) == [200]

    def test_a_batch_counts_as_its_actions_for_throttles(self) -> None:
        self.client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=self.user)}")
        assert statuses(self.send(*([("get", "/rest/tasks/")] * 3))) == [200] * 3
        refused = self.send(*[("get", "/rest/tasks/")] * 2)
        assert refused.status_code == 429
        assert self.client.get("/api/rest/tasks/").status_code == 200
        assert self.client.get("/api/rest/tasks/").status_code == 429

    def test_the_browsable_api_stays_as_it_is(self) -> None:
        self.client.force_login(self.user)
        page = self.client.get("/api/rest/tasks/", HTTP_ACCEPT="text/html")
        self.assertContains(page, "Django REST framework")
        assert "rest_framework/api.html" in [template.name for template in page.templates]
        (result,) = self.client.post(
            "/api/batch", batch(("get", "/rest/tasks/")), format="json", HTTP_ACCEPT="text/html"
        ).json()["results"]
        assert "Django REST framework" in result["body"]

    def test_the_schema_has_the_batch_route(self) -> None:
        document = self.client.get("/api/schema", HTTP_ACCEPT=JSON).json()
        operation = document["paths"]["/api/batch"]["post"]
        assert {name for rule in operation["security"] for name in rule} == {"tokenAuth", "cookieAuth"}
        example = operation["requestBody"]["content"][JSON]["examples"]["batch"]["value"]
        self.client.force_login(self.user)
        assert set(statuses(self.client.post("/api/batch", example, format="json"))) == {200}


class Atomic(TransactionTestCase):
    client_class = BatchClient

    def test_atomic_requests_is_per_action(self) -> None:
        self.client.raise_request_exception = False
        self.client.cookies["some"] = "cookie"
        with self.assertLogs("django.request"):
            answer = self.client.post("/api/batch", batch(("post", "/add"), ("post", "/half"), ("post", "/add")), JSON)
        assert statuses(answer) == [200, 500, 200]
        assert [task.title for task in Task.objects.all()] == ["whole", "whole"]


class Live(LiveServerTestCase):
    server_thread_class = BatchLiveServerThread

    def send(self, *actions: tuple[str, str]) -> list[int]:
        connection = http.client.HTTPConnection(self.server_thread.host, self.server_thread.port, timeout=20)
        cookies = f"some=cookie; csrftoken={CSRF}"
        body, headers = json.dumps(batch(*actions)), {"Content-Type": JSON, "Cookie": cookies, "X-CSRFToken": CSRF}
        try:
            connection.request("POST", "/api/batch", body, headers)
            response = connection.getresponse()
            results = json.loads(response.read())["results"]
        finally:
            connection.close()
        return [result["status_code"] for result in results]

    def test_the_live_server_has_the_batch_route(self) -> None:
        assert self.send(("post", "/add"), ("get", "/plain/0"), ("post", "/add")) == [200, 404, 200]
        assert Task.objects.count() == 2


class Applications(TransactionTestCase):
    """What a server calls: the applications of `asgi.py` and `wsgi.py` themselves."""

    def send(self, door: Literal["asgi", "wsgi"], *actions: tuple[str, str]) -> list[int]:
        views.used.clear()
        headers = {"Content-Type": JSON, "Cookie": f"csrftoken={CSRF}", "X-CSRFToken": CSRF}
        application = asgi.application if door == "asgi" else wsgi.application
        body = json.dumps(batch(*actions)).encode()
        return [
            result["status_code"]
            for result in send(application, door, "POST", "/api/batch", headers=headers, body=body).json()["results"]
        ]

    def test_actions_run_side_by_side_and_leave_no_connection(self) -> None:
        for door in ("asgi", "wsgi"):
            with self.subTest(door=door):
                assert self.send(door, ("get", "/together"), ("get", "/together")) == [200, 200]
                all_closed()

    def test_atomic_requests_is_per_action(self) -> None:
        for door in ("asgi", "wsgi"):
            with self.subTest(door=door), self.assertLogs("django.request"):
                Task.objects.all().delete()
                assert self.send(door, ("post", "/add"), ("post", "/half"), ("post", "/add")) == [200, 500, 200]
                assert [task.title for task in Task.objects.all()] == ["whole", "whole"]

    def test_a_file_reaches_the_server_in_its_own_wrapper(self) -> None:
        wrapped: list[Any] = []

        class Wrapper(FileWrapper):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                wrapped.append(self)

        environ = {"wsgi.file_wrapper": Wrapper, "PATH_INFO": "/api/file", "REQUEST_METHOD": "GET"}
        setup_testing_defaults(environ)
        answer: Any = wsgi.application(environ, lambda *_: None)
        answer.close()
        assert wrapped == [answer]
        assert self.send("wsgi", ("get", "/file")) == [200]
        assert len(wrapped) == 1


class LiveInParallel(Live):
    """With a database in a file only: one in memory is shared with the test, so that there is one thread."""

    def test_actions_run_side_by_side_and_leave_no_connection(self) -> None:
        views.used.clear()
        views.threads.clear()
        assert self.send(("get", "/together"), ("get", "/together")) == [200, 200]
        assert len(set(views.threads)) == 2
        assert threading.get_ident() not in views.threads
        all_closed()
        assert len(connections.all(initialized_only=True)) == 1
