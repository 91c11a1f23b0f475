"""Batches on each face, inside the process: what the batch endpoint does with a host that has a store behind it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.examples.boards import BASE, Face, action, text_file


def statuses(results: list[Any]) -> list[int]:
    return [result["status_code"] for result in results]


def test_a_batched_read_is_the_direct_one(face: Face) -> None:
    """C0: status, headers and body."""
    task = face.sample.tasks[0]
    targets: list[tuple[str, dict[str, Any]]] = [
        ("/users/me", {}),
        (f"/tasks/{task}", {"opt_fields": "name,assignee.name"}),
        (f"/tasks/{task}", {"opt_pretty": True}),
        ("/tasks", {"limit": 2, "completed": False, "name": "the b"}),
        (f"/projects/{face.sample.project}/tasks", {"limit": 1}),
        ("/tasks/1", {}),
        ("/tasks", {"limit": 1000}),
        ("/nowhere", {}),
    ]
    results = face.results(*(action("get", path, data) for path, data in targets))
    for (path, data), result in zip(targets, results, strict=True):
        query = "&".join(f"{name}={json.dumps(value).strip(chr(34))}" for name, value in data.items())
        direct = face.send("GET", f"{path}?{query}".replace(" ", "%20"))
        assert (result["status_code"], result["body"]) == (direct.status, direct.json())


def test_a_wrong_method_and_a_creation_keep_their_headers(face: Face) -> None:
    """C0, C22: `Allow` and `Location` are part of the answer."""
    wrong, created = face.results(action("patch", "/tasks", {}), action("post", "/tasks", {"name": "New"}))
    assert (wrong["status_code"], wrong["headers"]["allow"]) == (405, "GET, HEAD, POST")
    gid = created["body"]["data"]["gid"]
    assert (created["status_code"], created["headers"]["location"]) == (201, f"{BASE}/tasks/{gid}")


def test_the_actions_of_a_batch_run_as_the_user_who_sent_it(face: Face) -> None:
    """C16: the token goes down to every action."""
    token = face.board.store.issue_token(int(face.sample.people[3]))
    response = face.batch(action("get", "/users/me"), action("post", "/tasks", {"name": "Mine"}), token=token)
    me, created = response.json()["data"]
    assert me["body"]["data"]["gid"] == face.sample.people[3]
    assert created["body"]["data"]["followers"][0]["gid"] == face.sample.people[3]


@pytest.mark.parametrize("token", [pytest.param(None, id="no token"), pytest.param("demo-wrong", id="unknown token")])
def test_a_batch_without_a_valid_token_is_401_as_a_whole_and_runs_nothing(face: Face, token: str | None) -> None:
    """C8"""
    response = face.batch(action("post", "/tasks", {"name": "Never"}), token=token)
    assert (response.status, response.json()) == (401, {"errors": [{"message": "Not Authorized"}]})
    assert response.header("www-authenticate") == "Bearer"
    assert face.get("/tasks?name=Never") == []


def test_ten_insertions_after_one_task_in_a_batch_all_find_a_place_of_their_own(face: Face) -> None:
    """C18: the actions are parallel, and each is a transaction."""
    anchor, *others = face.sample.tasks[:11]
    face.send("POST", f"/tasks/{anchor}/addProject", {"project": face.sample.backlog})
    where = {"project": face.sample.backlog, "insert_after": anchor}
    results = face.results(*(action("post", f"/tasks/{gid}/addProject", where) for gid in others))
    assert statuses(results) == [200] * 10
    order = [task["gid"] for task in face.get(f"/projects/{face.sample.backlog}/tasks")]
    assert order[0] == anchor
    assert sorted(order[1:]) == sorted(others)


def test_ten_creations_in_a_batch_are_ten_tasks_in_the_order_of_the_actions(face: Face) -> None:
    """C19"""
    names = [f"Task {index}" for index in range(10)]
    results = face.results(*(action("post", "/tasks", {"name": name}) for name in names))
    assert [result["body"]["data"]["name"] for result in results] == names
    assert len({result["body"]["data"]["gid"] for result in results}) == 10


def test_an_action_that_fails_is_rolled_back_alone(face: Face) -> None:
    """C9: the other actions run."""
    first, second = face.sample.tasks[:2]
    results = face.results(
        action("post", "/tasks", {"name": "Kept", "projects": [face.sample.backlog]}),
        action("post", "/tasks", {"name": "Lost", "projects": [face.sample.backlog], "due_on": "soon"}),
        action("post", f"/tasks/{first}/addProject", {"project": face.sample.project, "insert_after": first}),
        action("put", f"/tasks/{second}", {"completed": True}),
    )
    assert statuses(results) == [201, 400, 400, 200]
    assert [task["name"] for task in face.get(f"/projects/{face.sample.backlog}/tasks")] == ["Kept"]
    assert [task["gid"] for task in face.get(f"/projects/{face.sample.project}/tasks")] == list(face.sample.tasks)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/attachments"),
        ("post", "/tasks/{task}/attachments"),
        ("post", "/organization_exports"),
        ("get", "/organization_exports/{export}"),
        ("delete", "/organization_exports/{export}"),
        ("get", "/scim/v2/Users"),
        ("post", "/scim/v2/Users"),
        ("put", "/scim/v2/Users/{user}"),
        ("delete", "/scim/v2/Users/{user}"),
        ("post", "/batch"),
    ],
)
def test_what_cannot_be_batched_is_a_400_result_and_does_not_happen(face: Face, method: str, path: str) -> None:
    """C31"""
    export = face.send("POST", "/organization_exports", {"organization": face.get("/users/me")["workspaces"][0]["gid"]})
    gids = {"task": face.sample.tasks[0], "user": face.sample.people[4], "export": export.json()["data"]["gid"]}
    before = [face.send("GET", kept).body for kept in ("/organization_exports", "/scim/v2/Users", "/tasks")]
    refused, good = face.results(action(method, path.format(**gids), {"x": "y"}), action("get", "/users/me"))
    assert statuses([refused, good]) == [400, 200]
    assert len(refused["body"]["errors"]) == 1
    assert before == [face.send("GET", kept).body for kept in ("/organization_exports", "/scim/v2/Users", "/tasks")]


def test_an_attachment_can_be_read_and_downloaded_in_a_batch(face: Face) -> None:
    """C21: what is neither JSON nor text comes as base64."""
    task, content = face.sample.tasks[0], b"\x00\xff binary"
    head = 'name="file"; filename="a.bin"\r\nContent-Type: application/octet-stream'
    gid = face.upload(f"/tasks/{task}/attachments", [(head, content)]).json()["data"]["gid"]
    text = face.upload(f"/tasks/{task}/attachments", [text_file("räum".encode())]).json()["data"]["gid"]
    record, binary, plain = face.results(
        action("get", f"/attachments/{gid}"),
        action("get", f"/attachments/{gid}/content"),
        action("get", f"/attachments/{text}/content"),
    )
    assert record["body"]["data"]["size"] == len(content)
    assert base64.b64decode(binary["body"]) == content
    assert binary["headers"]["content-transfer-encoding"] == "base64"
    assert plain["body"] == "räum"


def test_options_on_the_batch_route_names_its_methods(face: Face) -> None:
    """C1: the host answers `OPTIONS` with 404, so batchware answers in its place."""
    response = face.send("OPTIONS", "/batch", token=None)
    assert (response.status, response.header("allow")) == (204, "POST, OPTIONS")


def test_a_batch_below_a_mount_point_reaches_the_same_routes(face: Face) -> None:
    """C1, C12: the mount point is in what the host writes, and not in what the client asks for."""
    body = json.dumps({"data": {"actions": [action("post", "/tasks", {"name": "Below"}), action("get", "/tasks")]}})
    response = face.raw("POST", f"{BASE}/batch", body.encode(), "application/json", root_path="/board")
    created, listed = response.json()["data"]
    assert created["headers"]["location"].startswith(f"/board{BASE}/tasks/")
    assert listed["status_code"] == 200
