"""Tasks, lists, projects and people on each face, called directly: what is stored, and what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.examples.boards import BASE, Face

UNKNOWN = "1200000000999999"


def message(response: Any) -> str:
    (error,) = response.json()["errors"]
    text: str = error["message"]
    return text


# Tasks


def test_what_was_created_is_where_location_says(face: Face) -> None:
    data = {"name": "Größe", "projects": [face.sample.project], "assignee": "me", "due_on": "2030-02-01"}
    response = face.send("POST", "/tasks", data)
    assert response.status == 201
    location = response.header("location")
    assert location is not None
    assert face.raw("GET", location).json() == response.json()
    task = response.json()["data"]
    assert (task["name"], task["resource_type"], task["completed"]) == ("Größe", "task", False)
    assert task["assignee"]["gid"] == face.sample.people[0]
    assert [follower["gid"] for follower in task["followers"]] == [face.sample.people[0]]


def test_an_update_changes_what_it_names_and_nothing_else(face: Face) -> None:
    path = f"/tasks/{face.sample.tasks[0]}"
    before = face.get(path)
    response = face.send("PUT", path, {"completed": True, "notes": "Done."})
    after = response.json()["data"]
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"completed", "completed_at", "notes", "modified_at"}
    assert face.get(path) == after


def test_a_deleted_task_is_gone_from_everywhere(face: Face) -> None:
    gid = face.sample.tasks[0]
    response = face.send("DELETE", f"/tasks/{gid}")
    assert (response.status, response.json()) == (200, {"data": {}})
    assert face.send("GET", f"/tasks/{gid}").status == 404
    assert gid not in [task["gid"] for task in face.get(f"/projects/{face.sample.project}/tasks")]


def test_followers_are_added_once_however_they_are_named(face: Face) -> None:
    ada, ben, chandra = face.sample.people[:3]
    path = f"/tasks/{face.sample.tasks[0]}/addFollowers"
    face.send("POST", path, {"followers": f"{ada},{ben}"})
    response = face.send("POST", path, {"followers": ["me", "chandra.rao@example.org", ben]})
    assert [follower["gid"] for follower in response.json()["data"]["followers"]] == [ada, ben, chandra]


def test_add_project_puts_a_task_where_it_says_and_remove_project_takes_it_out(face: Face) -> None:
    first, second, third = face.sample.tasks[:3]
    places: list[tuple[str, dict[str, Any]]] = [
        (first, {}),
        (second, {"insert_after": None}),
        (third, {"insert_after": second}),
    ]
    for gid, where in places:
        response = face.send("POST", f"/tasks/{gid}/addProject", {"project": face.sample.backlog, **where})
        assert (response.status, response.json()) == (200, {"data": {}})
    path = f"/projects/{face.sample.backlog}/tasks"
    assert [task["gid"] for task in face.get(path)] == [second, third, first]
    assert face.send("POST", f"/tasks/{third}/removeProject", {"project": face.sample.backlog}).status == 200
    assert [task["gid"] for task in face.get(path)] == [second, first]
    again = face.send("POST", f"/tasks/{third}/removeProject", {"project": face.sample.backlog})
    assert again.status == 400


def test_only_one_neighbour_may_be_named(face: Face) -> None:
    first, second = face.sample.tasks[:2]
    data = {"project": face.sample.project, "insert_before": second, "insert_after": second}
    response = face.send("POST", f"/tasks/{first}/addProject", data)
    assert response.status == 400
    assert message(response).endswith("Only one of insert_before and insert_after may be given")


# Lists


@pytest.mark.parametrize("path", ["/tasks", "/projects/{project}/tasks"])
def test_next_page_leads_through_the_whole_list_in_its_order(face: Face, path: str) -> None:
    path = path.format(project=face.sample.project)
    seen: list[str] = []
    target: str | None = f"{path}?limit=5"
    while target:
        page = face.send("GET", target).json()
        assert len(page["data"]) <= 5
        seen += [task["gid"] for task in page["data"]]
        following = page["next_page"]
        target = following and following["path"]
        if following:
            assert following["uri"] == f"http://testserver{BASE}{target}"
            assert following["offset"] in following["path"].replace("%3D", "=")
    assert seen == list(face.sample.tasks)


def test_a_page_goes_on_where_the_last_one_ended_though_rows_went_away(face: Face) -> None:
    first = face.send("GET", "/tasks?limit=2").json()
    face.send("DELETE", f"/tasks/{face.sample.tasks[0]}")
    second = face.send("GET", first["next_page"]["path"]).json()
    assert [task["gid"] for task in second["data"]] == list(face.sample.tasks[2:4])


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=", "offset=x", "offset=", "offset=%C3%A9"])
def test_a_page_that_cannot_be_is_400(face: Face, query: str) -> None:
    assert face.send("GET", f"/tasks?{query}").status == 400


def test_a_list_is_filtered_by_name_project_assignee_and_completed(face: Face) -> None:
    gid, other = face.sample.tasks[1], face.sample.tasks[0]
    face.send("PUT", f"/tasks/{gid}", {"completed": True})
    face.send("POST", f"/tasks/{other}/addProject", {"project": face.sample.backlog})
    assert [task["gid"] for task in face.get("/tasks?name=VENUE")] == [gid]
    assert [task["gid"] for task in face.get("/tasks?completed=true")] == [gid]
    assert len(face.get("/tasks?completed=false")) == len(face.sample.tasks) - 1
    assert [task["gid"] for task in face.get(f"/tasks?project={face.sample.backlog}&assignee=me")] == [other]
    assert face.get(f"/tasks?project={face.sample.backlog}&completed=true") == []


@pytest.mark.parametrize("query", ["completed=yes", f"project={UNKNOWN}", "assignee=nobody"])
def test_a_filter_that_means_nothing_is_400(face: Face, query: str) -> None:
    assert face.send("GET", f"/tasks?{query}").status == 400


# What goes out


def test_opt_fields_is_the_gid_and_what_it_names_dots_and_all(face: Face) -> None:
    gid = face.sample.tasks[0]
    task = face.get(f"/tasks/{gid}?opt_fields=name,assignee.email,projects,followers.name,unknown")
    assert task == {
        "gid": gid,
        "name": "Write the announcement",
        "assignee": {"gid": face.sample.people[0], "email": "ada.okafor@example.org"},
        "followers": [],
        "projects": [{"gid": face.sample.project, "resource_type": "project", "name": "Conference"}],
    }
    assert set(face.get("/tasks?opt_fields=due_on")[0]) == {"gid", "due_on"}


def test_a_list_shows_compact_records(face: Face) -> None:
    assert set(face.get("/tasks")[0]) == {"gid", "resource_type", "resource_subtype", "name"}


@pytest.mark.parametrize("value", ["", "=", "=true", "=True", "=1"])
@pytest.mark.parametrize("path", ["/users/me", "/nowhere", f"/tasks/{UNKNOWN}"])
def test_opt_pretty_indents_answers_and_errors(face: Face, path: str, value: str) -> None:
    plain, pretty = face.send("GET", path), face.send("GET", f"{path}?opt_pretty{value}")
    assert pretty.json() == plain.json()
    assert b"\n" not in plain.body
    assert pretty.body.startswith(b"{\n  ")


# Projects, people


def test_a_project_can_be_created_listed_and_read(face: Face) -> None:
    response = face.send("POST", "/projects", {"name": "Party", "team": face.sample.team})
    assert response.status == 201
    gid = response.json()["data"]["gid"]
    assert response.header("location") == f"{BASE}/projects/{gid}"
    assert face.get(f"/projects/{gid}")["team"]["name"] == "Conference team"
    assert [project["name"] for project in face.get("/projects")] == ["Conference", "Backlog", "Party"]
    assert face.get(f"/projects/{gid}/tasks") == []


def test_a_user_joins_a_team_once(face: Face) -> None:
    path, user = f"/teams/{face.sample.team}/addUser", face.sample.people[1]
    assert face.send("POST", path, {"user": user}).json()["data"]["gid"] == user
    assert face.send("POST", path, {"user": user}).status == 200
    assert [member["gid"] for member in face.get(f"/teams/{face.sample.team}/users")] == list(face.sample.people[:2])
    assert face.get(f"/teams/{face.sample.team}")["name"] == "Conference team"
