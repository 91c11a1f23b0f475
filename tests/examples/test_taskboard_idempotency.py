"""`Idempotency-Key` on each face: done once, answered twice, and never taken for another request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from examples.taskboard.idempotency import MAX_KEY
from examples.taskboard.store import Store
from tests.examples.boards import Face, action

KEY = '"k-1"'


def names(face: Face) -> list[str]:
    return [task["name"] for task in face.get("/tasks")]


def seen(response: Any) -> tuple[int, str | None, bytes]:
    return response.status, response.header("location"), response.body


def test_the_same_request_under_the_same_key_is_done_once_and_answered_twice(face: Face) -> None:
    first = face.send("POST", "/tasks", {"name": "Once"}, key=KEY)
    again = face.send("POST", "/tasks", {"name": "Once"}, key=KEY)
    assert first.status == 201
    assert seen(again) == seen(first)
    assert names(face).count("Once") == 1
    assert face.send("POST", "/tasks", {"name": "Once"}, key='"k-2"').json() != first.json()


def test_a_delete_that_is_sent_again_is_no_404(face: Face) -> None:
    path = f"/tasks/{face.sample.tasks[0]}"
    assert [face.send("DELETE", path, key=key).status for key in (KEY, KEY, '"k-2"')] == [200, 200, 404]


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        pytest.param("POST", "/tasks", {"name": "Another"}, id="body"),
        pytest.param("POST", "/tasks?opt_fields=name", {"name": "Once"}, id="query"),
        pytest.param("POST", "/projects", {"name": "Once"}, id="path"),
    ],
)
def test_another_request_under_the_key_is_422_and_changes_nothing(
    face: Face, method: str, path: str, data: Any
) -> None:
    assert face.send("POST", "/tasks", {"name": "Once"}, key=KEY).status == 201
    before = names(face), face.get("/projects")
    assert face.send(method, path, data, key=KEY).status == 422
    assert (names(face), face.get("/projects")) == before


def test_the_same_path_with_another_gid_is_another_request(face: Face) -> None:
    paths = [f"/tasks/{gid}" for gid in face.sample.tasks[:2]]
    assert [face.send("PUT", path, {"completed": True}, key=KEY).status for path in paths] == [200, 422]


def test_a_key_in_use_is_409_and_says_when_to_come_again(face: Face) -> None:
    user = int(face.sample.people[0])
    with face.board.keys.held(user, KEY):
        response = face.send("POST", "/tasks", {"name": "Twice"}, key=KEY)
        assert face.send("POST", "/tasks", {"name": "Other key"}, key='"k-2"').status == 201
    assert (response.status, response.header("retry-after")) == (409, "1")
    assert "Twice" not in names(face)
    assert face.send("POST", "/tasks", {"name": "Twice"}, key=KEY).status == 201


def test_a_request_that_was_refused_leaves_its_key_free(face: Face) -> None:
    task, data = face.sample.tasks[0], {"project": face.sample.backlog}
    assert face.send("POST", f"/tasks/{task}/removeProject", data, key=KEY).status == 400
    assert face.send("POST", f"/tasks/{task}/addProject", data).status == 200
    assert face.send("POST", f"/tasks/{task}/removeProject", data, key=KEY).status == 200


def test_a_key_is_each_users_own_and_means_nothing_to_reads(face: Face) -> None:
    other = face.board.store.issue_token(int(face.sample.people[1]))
    for token in (face.sample.token, other):
        assert face.send("POST", "/tasks", {"name": "Each"}, key=KEY, token=token).status == 201
    assert [face.send("GET", path, key=KEY).status for path in ("/tasks", "/projects")] == [200, 200]
    assert names(face).count("Each") == 2


def test_a_key_is_forgotten_after_a_day(face: Face) -> None:
    for hour, created in (("01T12:00", 1), ("02T11:59", 1), ("02T12:01", 2)):
        face.board.store.clock = lambda hour=hour: f"2030-01-{hour}:00.000Z"
        # Forgetting is the work of the next write that has a key.
        assert face.send("PUT", f"/tasks/{face.sample.tasks[0]}", {}, key=f'"{hour}"').status == 200
        assert face.send("POST", "/tasks", {"name": "Daily"}, key=KEY).status == 201
        assert names(face).count("Daily") == created


@pytest.mark.parametrize("key", ["x" * (MAX_KEY + 1)])
def test_a_key_that_is_too_long_is_400(face: Face, key: str) -> None:
    assert face.send("POST", "/tasks", {"name": "Long"}, key=key).status == 400


def test_a_batch_that_is_sent_again_under_its_key_is_done_once(face: Face) -> None:
    actions = [action("post", "/tasks", {"name": f"Batched {number}"}) for number in range(5)]
    actions.insert(2, action("get", "/users/me"))
    first, again = (face.batch(*actions, key=KEY) for _ in range(2))
    assert [result["status_code"] for result in first.json()["data"]] == [201, 201, 200, 201, 201, 201]
    assert again.json() == first.json()
    assert [names(face).count(f"Batched {number}") for number in range(5)] == [1] * 5


def test_a_file_of_before_learns_to_keep_answers(tmp_path: Path) -> None:
    path = str(tmp_path / "board.sqlite3")
    with Store(path) as store, store.transaction(write=True) as db:
        db.execute("DROP TABLE answers")
    with Store(path) as store, store.transaction(write=False) as db:
        assert db.execute("SELECT count(*) FROM answers").fetchone()[0] == 0
