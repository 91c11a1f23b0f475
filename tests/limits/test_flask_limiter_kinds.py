"""Every kind of limit that Flask-Limiter has, asked for a batch before anything runs."""

from __future__ import annotations

from typing import Any

import flask
from flask.views import MethodView
from flask_limiter import Limiter, MetaLimit

from tests.contract.batching import action, post_batch
from tests.limits.flask_service import WSGI, Service, by_user


def _decorated(app: flask.Flask, limiter: Limiter) -> None:
    @app.get("/one/<gid>")
    @limiter.limit("4 per day")
    @limiter.limit("10 per day", key_func=lambda: "all")
    def one(gid: str) -> str:
        return gid

    @app.get("/more/<gid>")
    @limiter.limit("9 per day", override_defaults=False, cost=lambda: int(flask.request.args.get("cost", 1)))
    def more(gid: str) -> str:
        return gid

    shared = limiter.shared_limit("6 per day", scope="shared", methods=["GET"], per_method=True)
    app.add_url_rule("/left", "left", shared(lambda: "left"))

    @app.get("/right")
    @shared
    def right() -> str:
        return "right"

    @app.get("/exempt")
    @limiter.exempt
    def exempt() -> str:
        return "exempt"

    @app.get("/sometimes")
    @limiter.limit("2 per day", exempt_when=lambda: "free" in flask.request.args)
    def sometimes() -> str:
        return "sometimes"


def test_c36_decorated_limits_are_asked_before_anything_runs() -> None:
    service = Service(_decorated, default_limits=["2 per day"])
    assert service.batch(*["/one/1"] * 5).status == 429
    assert service.batch(*["/one/1"] * 4).statuses == [200] * 4
    assert service.batch("/one/1").status == 429
    assert service.batch(*["/one/1"] * 4, user="b").status == 200
    assert service.batch(*["/one/1"] * 3, user="c").status == 429, "the second decorator counts all users together"
    assert service.left("/one/1", user="c") == 2


def test_c36_costs_and_defaults_beside_decorated_limits() -> None:
    service = Service(_decorated, default_limits=["4 per day"])
    actions = [action("/more/1", data={"cost": 5}), action("/more/1", data={"cost": 5})]
    assert post_batch(service.app, WSGI, actions, headers={"X-User": "a"}).status == 429
    assert post_batch(service.app, WSGI, actions[:1], headers={"X-User": "a"}).statuses == [200]
    assert service.left("/more/1") == 3, "of the default"
    assert service.batch("/more/1").status == 429


def test_c36_shared_limits_exemptions_and_conditions() -> None:
    service = Service(_decorated, default_limits=["1 per day"])
    assert service.batch("/left", "/right", "/left", "/right", "/left", "/right", "/left").status == 429
    assert service.batch("/left", "/right", "/left").statuses == [200] * 3
    assert service.left("/right") == 3
    assert service.batch(*["/exempt"] * 8).status == 200
    free = [action("/sometimes", data={"free": 1})] * 6
    assert post_batch(service.app, WSGI, free, headers={"X-User": "a"}).status == 200
    assert service.batch(*["/sometimes"] * 3).status == 429
    assert service.left("/sometimes") == 2


def test_c36_blueprints_and_method_views() -> None:
    def views(app: flask.Flask, limiter: Limiter) -> None:
        blueprint = flask.Blueprint("blue", __name__)
        blueprint.add_url_rule("/blue", "blue", lambda: "blue")
        limiter.limit("3 per day")(blueprint)
        app.register_blueprint(blueprint)

        class Things(MethodView):
            decorators = [limiter.limit("8 per day")]  # noqa: RUF012  # Django and Flask read it so

            def get(self) -> str:
                return "things"

        class Parts(MethodView):
            @limiter.limit("3 per day")
            def get(self) -> str:
                return "parts"

        app.add_url_rule("/things", view_func=Things.as_view("things"))
        app.add_url_rule("/parts", view_func=Parts.as_view("parts"))

    service = Service(views)
    assert service.batch(*["/blue"] * 4).status == 429
    assert service.batch(*["/blue"] * 2).statuses == [200] * 2
    assert service.left("/blue") == 1
    assert service.batch(*["/things"] * 9).status == 429
    assert service.batch(*["/things"] * 5).statuses == [200] * 5
    assert service.left("/things") == 3
    assert service.batch(*["/parts"] * 4).status == 429
    assert service.batch(*["/parts"] * 2).statuses == [200] * 2
    assert service.left("/parts") == 1


def test_c36_what_is_deducted_later_needs_room_now_and_is_deducted_then() -> None:
    def views(app: flask.Flask, limiter: Limiter) -> None:
        @app.get("/login")
        @limiter.limit("3 per day", deduct_when=lambda response: response.status_code == 401)
        def login() -> Any:
            return "", 401 if "wrong" in flask.request.args else 200

    service = Service(views)
    wrong = action("/login", data={"wrong": 1})
    assert post_batch(service.app, WSGI, [wrong] * 4, headers={"X-User": "a"}).status == 429
    assert post_batch(service.app, WSGI, [action("/login")] * 3, headers={"X-User": "a"}).statuses == [200] * 3
    answer = post_batch(service.app, WSGI, [wrong, wrong, action("/login")], headers={"X-User": "a"})
    assert answer.statuses == [401, 401, 200]
    assert service.batch("/login", "/login").status == 429
    assert service.batch("/login").status == 200


def test_c36_meta_limits_are_asked_and_a_refused_batch_is_no_breach() -> None:
    service = Service(default_limits=["2 per day"], meta_limits=[MetaLimit("2 per day")])
    assert service.batch(*["/tasks/1"] * 2).status == 200
    assert service.batch("/tasks/1").status == 429
    assert service.batch("/tasks/1").status == 429
    assert service.batch("/users/1").status == 200
    assert [service.direct().status for _ in range(2)] == [429, 429], "each of these is a breach"
    answer = service.batch("/users/1")
    assert answer.status == 429
    assert "meta" in answer.message


def test_c36_what_could_not_be_foreseen_is_counted_when_it_comes() -> None:
    def views(app: flask.Flask, limiter: Limiter) -> None:
        @app.get("/inside")
        def inside() -> str:
            with limiter.limit("2 per day"):
                return "inside"

    service = Service(views)
    assert sorted(service.batch(*["/inside"] * 3).statuses) == [200, 200, 429]
    assert service.direct("/inside").status == 429


def test_c36_a_key_that_needs_what_the_host_prepares() -> None:
    def load_user() -> None:
        flask.g.user = by_user()

    def views(app: flask.Flask, limiter: Limiter) -> None:
        app.before_request_funcs.setdefault(None, []).insert(0, load_user)

    options = {"key_func": lambda: flask.g.user, "default_limits": ["3 per day"]}
    prepared = Service(views, prepare=load_user, **options)
    assert prepared.batch(*["/tasks/1"] * 4).status == 429
    assert prepared.batch(*["/tasks/1"] * 2).status == 200
    assert prepared.left() == 1
    unprepared = Service(views, **options)
    assert sorted(unprepared.batch(*["/tasks/1"] * 4).statuses) == [200, 200, 200, 429]
