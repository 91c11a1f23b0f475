"""The extension for Flask: configuration, several applications, and the extensions that people have beside it."""

from __future__ import annotations

import threading
from typing import Any

import flask
import flask_login
import flask_smorest
import pytest
from apispec import APISpec
from flask_sqlalchemy import SQLAlchemy
from openapi_spec_validator import validate
from sqlalchemy import text
from werkzeug.middleware.proxy_fix import ProxyFix

from batchware import BatchHooks, Quota, openapi, require_header
from batchware.integrations.flask import Batch
from batchware.integrations.flask_limiter import flask_limits
from batchware.wsgi import BatchMiddleware
from tests.servers.running import wait_for


def small(**config: Any) -> flask.Flask:
    app = flask.Flask("small")
    app.config.update(SECRET_KEY="for tests only", **config)

    @app.get("/tasks/<int:gid>")
    def task(gid: int) -> Any:
        return {"gid": gid, "app": flask.current_app.config.get("NAMED")}

    @app.get("/address")
    def address() -> Any:
        return {"address": flask.request.remote_addr}

    return app


def post(client: Any, *paths: str, route: str = "/batch", method: str = "get", **options: Any) -> Any:
    actions = [{"method": method, "relative_path": path} for path in paths]
    return client.post(route, json={"actions": actions}, **options)


def statuses(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.data
    return [result["status_code"] for result in answer.json["results"]]


# --- configuration


def test_one_extension_serves_several_applications_each_with_its_configuration() -> None:
    batch = Batch(style="plain")
    first = small(NAMED="first", BATCHWARE={"max_actions": 1})
    second = small(NAMED="second", BATCHWARE={"PATH": "/api/batch", "style": "plain"})
    batch.init_app(first)
    batch.init_app(second)
    assert post(first.test_client(), "/tasks/1", "/tasks/2").status_code == 400
    assert post(first.test_client(), "/tasks/1").json["results"][0]["body"] == {"gid": 1, "app": "first"}
    assert statuses(post(second.test_client(), "/tasks/1", route="/api/batch")) == [404]
    assert post(second.test_client(), "/tasks/1").status_code == 404
    assert isinstance(first.extensions["batchware"], BatchMiddleware)
    assert first.extensions["batchware"].config.max_actions == 1


def test_an_application_has_one_batch_route() -> None:
    app = small()
    batch = Batch(app)
    with pytest.raises(RuntimeError, match="init_app once"):
        batch.init_app(app)


def test_wrong_options_are_named_when_the_application_is_made() -> None:
    with pytest.raises(TypeError, match="did you mean 'max_actions'"):
        Batch(max_actons=5)
    with pytest.raises(TypeError, match="did you mean 'max_actions'"):
        Batch(small(BATCHWARE={"MAX_ACTONS": 5}))
    with pytest.raises(TypeError, match="must be a dict of options"):
        Batch(small(BATCHWARE=["max_actions"]))


def test_limits_of_the_configuration_never_replace_those_of_flask_limiter() -> None:
    import flask_limiter

    app = small(BATCHWARE={"limits": [Quota("all", 100)]})
    limiter = flask_limiter.Limiter(lambda: "me", app=app, default_limits=["20 per day"], storage_uri="memory://")
    batch = Batch(**flask_limits(limiter, app))
    with pytest.raises(ValueError, match="give your own to the function"):
        batch.init_app(app)


def test_what_wraps_the_application_later_stands_outside() -> None:
    app = small()
    Batch(app, style="plain", authorize=require_header("authorization"))
    app.wsgi_app = ProxyFix(app.wsgi_app)
    headers = {"Authorization": "x", "X-Forwarded-For": "203.0.113.7"}
    answer = post(app.test_client(), "/address", headers=headers)
    assert answer.json["results"][0]["body"] == {"address": "203.0.113.7"}


def test_hooks_of_the_host_are_asked_too() -> None:
    seen: list[int] = []

    class Counts(BatchHooks):
        def on_batch(self, parent: Any, actions: Any, outcomes: Any, seconds: float) -> None:
            seen.append(len(actions))

    app = small(BATCHWARE={"hooks": [Counts()]})
    Batch(app, style="plain")
    assert statuses(post(app.test_client(), "/tasks/1", "/none")) == [200, 404]
    assert seen == [2]


# --- Flask-Login: a session cookie is each action's, and one that an action begins goes on


def test_flask_login_knows_the_user_of_each_action() -> None:
    app = small()
    manager = flask_login.LoginManager(app)

    class User(flask_login.UserMixin):
        id = "ann"

    manager.user_loader(lambda _: User())

    @app.post("/login")
    def log_in() -> Any:
        flask_login.login_user(User())
        return {}

    @app.get("/who")
    @flask_login.login_required
    def who() -> Any:
        return {"user": flask_login.current_user.id}

    Batch(app, style="plain")
    client = app.test_client()
    assert statuses(post(client, "/who", "/tasks/1")) == [401, 200]
    begun = post(client, "/login", method="post")
    assert statuses(begun) == [200]
    assert "set-cookie" not in begun.json["results"][0]["headers"]
    assert statuses(post(client, "/who", "/who")) == [200, 200]
    assert client.get("/who").json == {"user": "ann"}


# --- Flask-SQLAlchemy: a session for each action, whoever sends the batch


@pytest.fixture
def with_database(tmp_path: Any) -> Any:
    """An application whose `/session` answers when another one is there too, with the session that each has seen."""
    app = small(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/tasks.sqlite3")
    database = SQLAlchemy(app)
    both = threading.Barrier(2, timeout=10)
    seen: list[Any] = []

    @app.get("/session")
    def session() -> Any:
        database.session.execute(text("select 1"))
        assert "name" not in flask.g
        flask.g.name = "mine"
        seen.append(database.session())
        both.wait()
        return {}

    Batch(app, style="plain")
    yield app, database, seen
    with app.app_context():
        database.engine.dispose()


@pytest.mark.parametrize("inside", [False, True], ids=["no context", "an application context"])
def test_each_action_has_a_database_session_of_its_own(with_database: Any, inside: bool) -> None:
    app, database, seen = with_database
    if inside:
        with app.app_context():
            flask.g.name = "the test's"
            its_own = database.session()
            assert statuses(post(app.test_client(), "/session", "/session")) == [200, 200]
            assert database.session() is its_own
            assert flask.g.name == "the test's"
            seen.append(its_own)
    else:
        assert statuses(post(app.test_client(), "/session", "/session")) == [200, 200]
    assert len(set(map(id, seen))) == len(seen) == 2 + inside
    with app.app_context():
        wait_for("all connections given back", lambda: database.engine.pool.checkedout() == 0)


# --- API documentation


def test_flask_smorest_shows_the_batch_route() -> None:
    app = small(API_TITLE="Tasks", API_VERSION="1", OPENAPI_VERSION="3.0.3", OPENAPI_URL_PREFIX="/")
    Batch(app, style="plain")
    api = flask_smorest.Api(app)
    api.spec.options["paths"] = {"/batch": openapi.path_item(app.extensions["batchware"].config)}
    document = app.test_client().get("/openapi.json").json
    validate(document)
    _is_sent(app, document)


def test_apispec_shows_the_batch_route() -> None:
    app = small()
    Batch(app)
    spec = APISpec("Tasks", "1", "3.1.0")
    spec.path("/batch", operations=openapi.path_item(app.extensions["batchware"].config))
    document = spec.to_dict()
    validate(document)
    _is_sent(app, document)


def _is_sent(app: flask.Flask, document: Any) -> None:
    """The example of the document is a batch."""
    examples = document["paths"]["/batch"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert app.test_client().post("/batch", json=examples["batch"]["value"]).status_code == 200
