"""Asana's official Python client against each face on a real server: the faces understand it, and it understands them.

Most of these are the client's own calls; where it has none (SCIM, withdrawing an export), its generic one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asana
import pytest
from asana.rest import ApiException

from examples.taskboard.hosts import LOOPBACK, listen, serving
from examples.taskboard.sample import Sample
from tests.examples.boards import BASE, FACES, action, filled, settings_of


@dataclass(frozen=True)
class Asana:
    """The client's APIs, and what is on the board that they speak to."""

    client: asana.ApiClient
    sample: Sample

    def __getattr__(self, name: str) -> Any:
        return getattr(asana, name)(self.client)

    def batch(self, *actions: dict[str, Any]) -> list[Any]:
        return list(self.BatchAPIApi.create_batch_request({"data": {"actions": list(actions)}}, {}))

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.client.call_api(
            path,
            method,
            {},
            {},
            {},
            body=body,
            response_type=object,
            auth_settings=["personalAccessToken"],
            _return_http_data_only=True,
        )


@pytest.fixture(scope="module", params=FACES)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[asana.ApiClient, Sample]]:
    with settings_of(request.param), filled() as (board, sample), listen(0) as listener:
        port = listener.getsockname()[1]
        with serving(request.param, board, listener):
            configuration = asana.Configuration()
            configuration.host = f"http://{LOOPBACK}:{port}{BASE}"
            configuration.access_token = sample.token
            configuration.retry_strategy = False  # a failure is to be seen at once
            client = asana.ApiClient(configuration)
            yield client, sample
            client.rest_client.pool_manager.clear()


@pytest.fixture
def api(server: tuple[asana.ApiClient, Sample]) -> Asana:
    return Asana(*server)


@pytest.fixture
def task(api: Asana) -> Iterator[Any]:
    """A task of the test's own."""
    made = api.TasksApi.create_task({"data": {"name": "Made for a test", "assignee": "me"}}, {})
    yield made
    api.TasksApi.delete_task(made["gid"])


def message(error: pytest.ExceptionInfo[ApiException]) -> str:
    text: str = json.loads(error.value.body)["errors"][0]["message"]
    return text


def test_create_returns_the_full_task(task: Any) -> None:
    assert (task["name"], task["completed"], task["assignee"]["name"]) == ("Made for a test", False, "Ada Okafor")


def test_read_with_opt_fields_returns_these_and_the_gid(api: Asana, task: Any) -> None:
    found = api.TasksApi.get_task(task["gid"], {"opt_fields": "name,assignee.email"})
    assignee = {"gid": api.sample.people[0], "email": "ada.okafor@example.org"}
    assert found == {"gid": task["gid"], "name": "Made for a test", "assignee": assignee}


def test_update_returns_the_task_as_it_is_now(api: Asana, task: Any) -> None:
    changed = api.TasksApi.update_task({"data": {"completed": True}}, task["gid"], {})
    assert changed["completed"]
    assert changed == api.TasksApi.get_task(task["gid"], {})


def test_delete_returns_nothing_and_the_task_is_gone(api: Asana) -> None:
    made = api.TasksApi.create_task({"data": {"name": "Short-lived"}}, {})
    assert api.TasksApi.delete_task(made["gid"]) == {}
    with pytest.raises(ApiException) as error:
        api.TasksApi.get_task(made["gid"], {})
    assert (error.value.status, message(error)) == (404, f"task: Unknown object: {made['gid']}")


def test_a_missing_name_is_an_exception_with_our_message(api: Asana) -> None:
    with pytest.raises(ApiException) as error:
        api.TasksApi.create_task({"data": {}}, {})
    assert (error.value.status, message(error)) == (400, "name: Missing input")


def test_a_list_with_limit_goes_through_all_pages(api: Asana) -> None:
    found = list(api.TasksApi.get_tasks({"project": api.sample.project, "limit": 5}))
    assert [entry["gid"] for entry in found] == list(api.sample.tasks)


def test_item_limit_ends_a_list_early(api: Asana) -> None:
    found = list(api.TasksApi.get_tasks_for_project(api.sample.project, {"limit": 2}, item_limit=3))
    assert [entry["gid"] for entry in found] == list(api.sample.tasks[:3])


def test_projects_followers_and_team_members_are_added(api: Asana, task: Any) -> None:
    data = {"data": {"project": api.sample.backlog, "insert_after": None}}
    assert api.TasksApi.add_project_for_task(data, task["gid"]) == {}
    followers = {"data": {"followers": [api.sample.people[1]]}}
    followed = api.TasksApi.add_followers_for_task(followers, task["gid"], {"opt_fields": "followers.name"})
    assert [user["name"] for user in followed["followers"]] == ["Ada Okafor", "Ben Lindqvist"]
    projects = api.TasksApi.get_task(task["gid"], {"opt_fields": "projects.name"})["projects"]
    assert [project["name"] for project in projects] == ["Backlog"]
    assert api.TasksApi.remove_project_for_task({"data": {"project": api.sample.backlog}}, task["gid"]) == {}
    added = api.TeamsApi.add_user_for_team({"data": {"user": api.sample.people[2]}}, api.sample.team, {})
    assert added["gid"] in [user["gid"] for user in api.UsersApi.get_users_for_team(api.sample.team, {})]


def test_a_mixed_batch_has_a_result_for_each_action_in_order(api: Asana, task: Any) -> None:
    results = api.batch(
        action("GET", f"/tasks/{task['gid']}", options={"fields": ["name"]}),
        action("put", f"/tasks/{task['gid']}", {"name": ""}),
        action("get", "/tasks/1"),
        action("post", "/organization_exports", {"organization": "1"}),
        action("brew", "/coffee"),
        action("post", f"/tasks/{task['gid']}/addFollowers", {"followers": ["me"]}),
    )
    assert [result["status_code"] for result in results] == [200, 400, 404, 400, 400, 200]
    assert all(set(result) == {"status_code", "headers", "body"} for result in results)
    assert results[0]["body"] == {"data": {"gid": task["gid"], "name": "Made for a test"}}
    assert results[1]["body"] == {"errors": [{"message": "name: Missing input"}]}


def test_ten_actions_are_a_batch(api: Asana) -> None:
    results = api.batch(*(action("get", f"/tasks/{gid}") for gid in api.sample.tasks[:10]))
    assert [result["body"]["data"]["gid"] for result in results] == list(api.sample.tasks[:10])


@pytest.mark.parametrize("count", [pytest.param(11, id="eleven"), pytest.param(0, id="none")])
def test_eleven_actions_and_none_are_400_and_nothing_runs(api: Asana, count: int) -> None:
    before = len(list(api.TasksApi.get_tasks({})))
    with pytest.raises(ApiException) as error:
        api.batch(*(action("post", "/tasks", {"name": "Never"}) for _ in range(count)))
    assert error.value.status == 400
    assert message(error)
    assert len(list(api.TasksApi.get_tasks({}))) == before


def test_a_batch_in_a_batch_is_refused(api: Asana) -> None:
    inner = {"actions": [action("post", "/tasks", {"name": "Never"})]}
    results = api.batch(action("post", "/batch", inner), action("get", "/users/me"))
    assert [result["status_code"] for result in results] == [400, 200]
    assert list(api.TasksApi.get_tasks({"name": "Never"})) == []


def test_an_unknown_token_is_401_in_a_batch_as_elsewhere(api: Asana) -> None:
    configuration = api.client.configuration
    known, configuration.access_token = configuration.access_token, "demo-wrong"
    try:
        with pytest.raises(ApiException) as direct:
            api.UsersApi.get_user("me", {})
        with pytest.raises(ApiException) as batched:
            api.batch(action("get", "/users/me"))
    finally:
        configuration.access_token = known
    assert (direct.value.status, message(direct)) == (401, "Not Authorized")
    assert (batched.value.status, batched.value.body) == (401, direct.value.body)


def test_a_file_is_uploaded_directly_and_refused_in_a_batch(api: Asana, task: Any, tmp_path: Path) -> None:
    path = tmp_path / "räum.txt"
    path.write_bytes(b"hello")
    made = api.AttachmentsApi.create_attachment_for_object({"parent": task["gid"], "file": str(path)})
    assert (made["name"], made["size"]) == ("räum.txt", 5)
    assert api.AttachmentsApi.get_attachment(made["gid"], {})["parent"]["gid"] == task["gid"]
    assert [entry["gid"] for entry in api.AttachmentsApi.get_attachments_for_object(task["gid"], {})] == [made["gid"]]
    (refused,) = api.batch(action("post", "/attachments", {"parent": task["gid"], "file": "x"}))
    assert refused["status_code"] == 400


def test_an_export_works_directly_and_is_refused_in_a_batch(api: Asana) -> None:
    workspace = api.UsersApi.get_user("me", {})["workspaces"][0]["gid"]
    exports = api.OrganizationExportsApi
    made = exports.create_organization_export({"data": {"organization": workspace}}, {})
    path = f"/organization_exports/{made['gid']}"
    refused = api.batch(
        action("post", "/organization_exports", {"organization": workspace}),
        action("get", path),
        action("delete", path),
    )
    assert [result["status_code"] for result in refused] == [400] * 3
    assert exports.get_organization_export(made["gid"], {}) == made
    assert api.call("DELETE", path) == {"data": {}}


def test_scim_works_directly_and_is_refused_in_a_batch(api: Asana) -> None:
    made = api.call("POST", "/scim/v2/Users", {"userName": "gus@example.org"})
    path = f"/scim/v2/Users/{made['id']}"
    refused = api.batch(action("get", "/scim/v2/Users"), action("get", path), action("delete", path))
    assert [result["status_code"] for result in refused] == [400] * 3
    assert api.call("GET", path) == made
    assert api.call("DELETE", path) in (None, b"")
