"""The batch route in API documentation: schemas that hold for what is really read and written, in every style."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from fastapi import Depends, FastAPI
from fastapi.security import APIKeyHeader, HTTPBearer
from litestar import Litestar
from litestar import get as litestar_get
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from batchware import BatchConfig, Quota, asgi, openapi, require_header
from batchware.wire.asana import ENTRY_MEMBERS
from tests.contract.batching import host_named
from tests.hosts.clients import send

CONFIGS = [
    pytest.param({}, id="asana"),
    pytest.param({"style": "plain"}, id="plain"),
    pytest.param({"path": "/api/1.0/batch", "envelope": "batch", "body_envelope": None}, id="envelopes of its own"),
    pytest.param({"action_options": None, "delete_data": "body", "max_actions": 3}, id="without options"),
    pytest.param({"error_body": lambda error: {"problem": error.message}}, id="an error body of its own"),
    pytest.param({"authorize": require_header("x"), "limits": [Quota("all", 100)]}, id="authorized and limited"),
]


def document(version: str = "3.1.0") -> dict[str, Any]:
    return {"openapi": version, "info": {"title": "Tasks", "version": "1"}, "paths": {}}


def operation(config: BatchConfig, **options: Any) -> dict[str, Any]:
    """The operation, with all schemas in place."""
    made: dict[str, Any] = openapi.path_item(config, **options)["post"]
    return made


def request_schema(config: BatchConfig) -> Any:
    return operation(config)["requestBody"]["content"]["application/json"]["schema"]


def answer_schema(config: BatchConfig, status: str) -> Any:
    return operation(config)["responses"][status]["content"]["application/json"]["schema"]


def accepts(schema: Any, value: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize("options", CONFIGS)
def test_the_document_is_valid_openapi(options: dict[str, Any], version: str) -> None:
    config = BatchConfig(**options)
    named, in_place = document(version), document(version)
    openapi.add(named, config)
    in_place["paths"][config.path] = openapi.path_item(config)
    for made in (named, in_place):
        validate(json.loads(json.dumps(made)))
    assert "$ref" not in json.dumps(in_place)
    assert list(named["paths"]) == [config.path]


ACTIONS = [
    {"method": "get", "relative_path": "/tasks/1"},
    {"method": "delete", "relative_path": "/tasks/1", "data": {"a": 1}},
    {"method": "post", "relative_path": "/echo", "data": {"a": [1]}},
    {"method": "post", "relative_path": "/echo", "data": [1]},
    {"method": "get", "relative_path": "/tasks/1", "options": {"fields": ["a"], "limit": 5, "offset": "x"}},
    {"method": "get", "relative_path": "/tasks/1", "options": {"fields": "a,b", "expand": "a"}},
    {"method": "get", "relative_path": "/tasks/1", "options": {"other": 1}},
    {"method": "get", "relative_path": "/tasks/1", "options": {"fields": 1}},
    {"method": "get", "relative_path": "/tasks/1?a=1"},
    {"method": "get", "relative_path": "tasks"},
    {"method": "get", "relative_path": ""},
    {"method": "options", "relative_path": "/tasks/1"},
    {"method": "get"},
    {"relative_path": "/tasks/1"},
    {"method": "get", "relative_path": "/tasks/1", "other": 1},
]


@pytest.mark.parametrize("action", ACTIONS, ids=[json.dumps(action) for action in ACTIONS])
@pytest.mark.parametrize("options", CONFIGS)
def test_the_schema_takes_an_action_if_the_route_does(options: dict[str, Any], action: dict[str, Any]) -> None:
    config = BatchConfig(**options)
    actions = {"actions": [action]}
    described = accepts(request_schema(config), {config.envelope: actions} if config.envelope else actions)
    _, error = config.dialect.read(0, config.dialect.open(_body(config, [action]))[0])
    assert described == (error is None), error


def _body(config: BatchConfig, actions: Any) -> bytes:
    batch = {"actions": actions}
    return json.dumps({config.envelope: batch} if config.envelope else batch).encode()


@pytest.mark.parametrize("options", CONFIGS)
def test_every_answer_is_as_described(options: dict[str, Any]) -> None:
    app = asgi.BatchMiddleware(host_named("asgi").shared(), **options)
    good = [{"method": "get", "relative_path": "/tasks/1"}, {"method": "get", "relative_path": "/scim/x"}]
    sent = {
        "200": _body(app.config, good),
        "400": _body(app.config, []),
        "413": b" " * (1 << 21),
        "415": b"",
    }
    for status, body in sent.items():
        headers = {"x": "me"} | ({"content-type": "application/json"} if body else {})
        answer = send(app, "asgi", "POST", app.config.path, headers=headers, body=body)
        assert str(answer.status) == status
        schema = answer_schema(app.config, status)
        assert accepts(schema, answer.json()), (schema, answer.body)
        assert not accepts(schema, []) or "example" in schema
    assert accepts(request_schema(app.config), json.loads(sent["200"]))
    assert not accepts(request_schema(app.config), json.loads(sent["400"]))
    assert not accepts(request_schema(app.config), json.loads(_body(app.config, good * app.config.max_actions)))


def test_every_member_of_an_action_is_described() -> None:
    found = request_schema(BatchConfig(style="plain", action_options="asana"))
    action = found["properties"]["actions"]["items"]
    assert set(action["properties"]) == set(ENTRY_MEMBERS)
    assert all(member.get("description") for member in action["properties"].values())


def test_what_a_configuration_can_answer_is_listed() -> None:
    assert list(operation(BatchConfig())["responses"]) == ["200", "400", "413", "415", "503"]
    guarded = BatchConfig(authorize=require_header("x"), limits=[Quota("all", 100)])
    assert {"401", "403", "429"} <= set(operation(guarded)["responses"])
    assert "Retry-After" in operation(guarded)["responses"]["429"]["headers"]
    error = answer_schema(BatchConfig(error_body=lambda error: {"problem": error.message}), "400")
    assert list(error["example"]) == ["problem"]


# --- FastAPI


def fastapi(**options: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/projects/{gid}")
    def project(gid: int) -> Any:
        return {"gid": gid}

    @app.get("/tasks")
    def tasks() -> Any:
        return []

    @app.get("/search")
    def search(text: str) -> Any:
        return text

    @app.get("/exports")
    def exports() -> Any:
        return []

    if options:
        app.add_middleware(asgi.BatchMiddleware, **options)
    return app


def batch_of(app: FastAPI, path: str = "/batch") -> Any:
    found = TestClient(app).get("/openapi.json").json()
    validate(found)
    return found["paths"][path]["post"]


@pytest.mark.parametrize("order", ["before", "after"])
def test_fastapi_shows_the_batch_route_and_its_example_can_be_sent(order: str) -> None:
    app = fastapi()
    if order == "before":
        openapi.extend(app)
    app.add_middleware(asgi.BatchMiddleware, style="plain", deny=["/exports"])
    if order == "after":
        openapi.extend(app)
    example = batch_of(app)["requestBody"]["content"]["application/json"]["examples"]["batch"]["value"]
    assert [action["relative_path"] for action in example["actions"]] == ["/tasks", "/projects/1"]
    answer = TestClient(app).post("/batch", json=example)
    assert [result["status_code"] for result in answer.json()["results"]] == [200, 200]
    assert app.openapi() is app.openapi()


def test_fastapi_that_is_wrapped_from_outside_is_told_the_configuration() -> None:
    app = fastapi()
    wrapped = asgi.BatchMiddleware(app, path="/v1/batch", style="plain")
    openapi.extend(app, wrapped.config)
    assert batch_of(app, "/v1/batch")["operationId"] == "batch"
    missing = fastapi()
    openapi.extend(missing)
    with pytest.raises(LookupError, match="no BatchMiddleware"):
        missing.openapi()


def test_a_batch_may_be_sent_with_what_the_host_knows() -> None:
    def made(**options: Any) -> Any:
        app = fastapi(**options)
        app.get("/me", dependencies=[Depends(HTTPBearer())])(lambda: None)
        app.get("/them", dependencies=[Depends(APIKeyHeader(name="x-key"))])(lambda: None)
        openapi.extend(app)
        return batch_of(app)["security"]

    assert made(style="plain") == [{"HTTPBearer": []}, {"APIKeyHeader": []}, {}]
    assert made(authorize=require_header("authorization")) == [{"HTTPBearer": []}, {"APIKeyHeader": []}]
    assert operation(BatchConfig(), security=[{"token": []}])["security"] == [{"token": []}]
    assert "security" not in operation(BatchConfig())


def test_a_host_keeps_its_own_schemas() -> None:
    own = {"type": "string"}
    made = document()
    made["components"] = {"schemas": {"BatchResult": own}}
    openapi.add(made, BatchConfig())
    validate(made)
    assert made["components"]["schemas"] == {"BatchResult": own}


# --- Litestar


def test_litestar_shows_the_batch_route() -> None:
    @litestar_get("/tasks", sync_to_thread=False)
    def tasks() -> list[str]:
        return []

    app = Litestar([tasks])
    batched = asgi.BatchMiddleware(app, style="plain")
    app.openapi_schema.paths["/batch"] = openapi.path_item(batched.config)
    found = send(batched, "asgi", "GET", "/schema/openapi.json").json()
    validate(found)
    assert set(found["paths"]) == {"/tasks", "/batch"}
