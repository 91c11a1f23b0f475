"""The API on each face, called directly: the rules of the taskboard, whatever framework routes the request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.examples.boards import BASE, FACES, Face, facing, text_file

UNKNOWN = "1200000000999999"


def message(response: Any) -> str:
    (error,) = response.json()["errors"]
    text: str = error["message"]
    return text


# Who calls


@pytest.mark.parametrize("token", [pytest.param(None, id="no token"), pytest.param("demo-wrong", id="unknown token")])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users/me"),
        ("POST", "/tasks"),
        ("PATCH", "/tasks"),
        ("GET", "/nowhere"),
        ("POST", "/attachments"),
        ("GET", "/scim/v2/Users"),
        ("POST", "/batch"),
    ],
)
def test_without_a_valid_token_everything_is_401(face: Face, method: str, path: str, token: str | None) -> None:
    response = face.send(method, path, {} if method == "POST" else None, token=token)
    assert response.status == 401
    assert message(response) == "Not Authorized"
    assert response.header("www-authenticate") == "Bearer"


def test_me_is_the_user_who_holds_the_token(face: Face) -> None:
    me = face.get("/users/me")
    assert me["gid"] == face.sample.people[0]
    assert me == face.get(f"/users/{me['gid']}") == face.get(f"/users/{me['email']}")


# What the router can't find


@pytest.mark.parametrize("path", ["/nowhere", "/tasks/", "//tasks", "/tasks/1/2/3", "/batches"])
def test_an_unknown_path_is_404(face: Face, path: str) -> None:
    response = face.send("GET", path)
    assert (response.status, message(response)) == (404, "No matching route for request")


@pytest.mark.parametrize("gid", [UNKNOWN, "x", "-1", "1e3", "9" * 40, "%C3%A9"])
def test_an_unknown_gid_is_404(face: Face, gid: str) -> None:
    response = face.send("GET", f"/tasks/{gid}")
    assert response.status == 404
    assert message(response).startswith("task: Unknown object: ")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PATCH", "/tasks", "GET, HEAD, POST"),
        ("POST", f"/tasks/{UNKNOWN}", "DELETE, GET, HEAD, PUT"),
        ("GET", f"/tasks/{UNKNOWN}/addProject", "POST"),
        ("OPTIONS", "/projects", "GET, HEAD, POST"),
    ],
)
def test_an_unknown_method_is_405_and_names_the_known_ones(face: Face, method: str, path: str, allow: str) -> None:
    response = face.send(method, path)
    assert (response.status, response.header("allow")) == (405, allow)


def test_head_is_get_without_the_body(face: Face) -> None:
    path = f"/tasks/{face.sample.tasks[0]}"
    direct, head = face.send("GET", path), face.send("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert sorted(head.headers) == sorted(direct.headers)


# What comes in


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"data": {"name": ', "Could not parse request body as JSON", id="cut off"),
        pytest.param(b'{"data": {"name": "\xff"}}', "Could not parse request body as JSON", id="not UTF-8"),
        pytest.param(b"[" * 100_000, "Could not parse request body as JSON", id="too deep"),
        pytest.param(b"[]", "data: Not an object", id="a list"),
        pytest.param(b'{"data": 1}', "data: Not an object", id="data is a number"),
        pytest.param(b"", "name: Missing input", id="no body"),
        pytest.param(b'{"name": "outside of data"}', "name: Missing input", id="no envelope"),
        pytest.param(b'{"data": {"name": ""}}', "name: Missing input", id="empty name"),
        pytest.param(b'{"data": {"name": 7}}', "name: Not a string: 7", id="name is a number"),
        pytest.param(b'{"data": {"name": "\\ud800"}}', "name: Not a string: \\ud800", id="a lone surrogate"),
        pytest.param(
            b'{"data": {"name": "a", "colour": "red"}}',
            "colour: Not a field that can be written here",
            id="typing error",
        ),
        pytest.param(b'{"data": {"name": "a", "completed": 1}}', "completed: Not a boolean: 1", id="1 for true"),
        pytest.param(
            b'{"data": {"name": "a", "due_on": "soon"}}', "due_on: Not a date like 2030-01-31: soon", id="not a date"
        ),
        pytest.param(
            b'{"data": {"name": "a", "assignee": "1"}}', "assignee: Not a recognized ID: 1", id="unknown assignee"
        ),
        pytest.param(
            b'{"data": {"name": "a", "projects": {}}}', "projects: Not a list: {}", id="projects is an object"
        ),
    ],
)
def test_a_body_that_makes_no_task_is_400_and_says_why(face: Face, body: bytes, expected: str) -> None:
    before = len(face.get("/tasks"))
    response = face.raw("POST", f"{BASE}/tasks", body, "application/json")
    assert (response.status, message(response)) == (400, expected)
    assert len(face.get("/tasks")) == before


def test_a_message_quotes_little_of_what_was_sent(face: Face) -> None:
    response = face.send("POST", "/tasks", {"name": ["x" * 1000]})
    assert response.status == 400
    assert len(message(response)) < 100


# The three groups that a batch refuses


@pytest.mark.parametrize("below_task", [False, True])
def test_a_file_is_uploaded_described_and_downloaded_byte_for_byte(face: Face, *, below_task: bool) -> None:
    task, content = face.sample.tasks[0], bytes(range(256)) * 9
    parts = [text_file(content, "tmp/räum.txt")]
    if below_task:
        response = face.upload(f"/tasks/{task}/attachments", parts)
    else:
        response = face.upload("/attachments", [*parts, ('name="parent"', task.encode())])
    assert response.status == 201
    attachment = response.json()["data"]
    assert response.header("location") == f"{BASE}/attachments/{attachment['gid']}"
    assert (attachment["name"], attachment["size"], attachment["parent"]["gid"]) == ("räum.txt", len(content), task)
    assert face.get(f"/attachments/{attachment['gid']}") == attachment
    assert [entry["gid"] for entry in face.get(f"/attachments?parent={task}")] == [attachment["gid"]]
    download = face.raw("GET", attachment["download_url"])
    assert download.body == content
    assert download.header("content-type") == "text/plain"
    assert download.header("content-disposition") == "attachment; filename*=UTF-8''r%C3%A4um.txt"


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([], id="nothing"),
        pytest.param([('name="file"', b"a text field")], id="text in place of a file"),
        pytest.param([('name="other"; filename="a.txt"', b"x")], id="another name"),
        pytest.param([('name="file"; filename=""', b"")], id="no file chosen"),
    ],
)
def test_a_form_without_a_file_is_400(face: Face, parts: list[tuple[str, bytes]]) -> None:
    response = face.upload(f"/tasks/{face.sample.tasks[0]}/attachments", parts)
    assert response.status == 400
    assert message(response) == "file: Send multipart/form-data with the content in a part called file"


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x", "application/json"])
def test_a_body_that_is_no_form_is_400(face: Face, content_type: str) -> None:
    response = face.raw("POST", f"{BASE}/tasks/{face.sample.tasks[0]}/attachments", b"{}", content_type)
    assert response.status == 400


def test_an_export_is_ordered_read_and_withdrawn(face: Face) -> None:
    workspace = face.get("/users/me")["workspaces"][0]["gid"]
    response = face.send("POST", "/organization_exports", {"organization": workspace})
    assert response.status == 201
    export = response.json()["data"]
    path = f"/organization_exports/{export['gid']}"
    assert face.get(path) == export
    assert face.get("/organization_exports") == [export]
    assert face.send("DELETE", path).status == 200
    assert face.send("GET", path).status == 404


def test_scim_provisions_users_without_the_envelope(face: Face) -> None:
    def scim(method: str, path: str, resource: Any = None) -> Any:
        body = b"" if resource is None else json.dumps(resource).encode()
        return face.raw(method, f"{BASE}/scim/v2/Users{path}", body, "application/scim+json" if body else None)

    made = scim("POST", "", {"userName": "gus@example.org", "displayName": "Gus"})
    assert (made.status, made.header("content-type")) == (201, "application/scim+json")
    gid = made.json()["id"]
    assert made.header("location") == f"{BASE}/scim/v2/Users/{gid}"
    assert scim("POST", "", {"userName": "gus@example.org"}).status == 409
    assert scim("PUT", f"/{gid}", {"userName": "gus@example.org", "active": False}).json()["active"] is False
    assert scim("GET", f"/{gid}").json()["displayName"] == "gus@example.org"
    listed = scim("GET", "?startIndex=2&count=3").json()
    assert (listed["totalResults"], listed["itemsPerPage"]) == (7, 3)
    gone = scim("DELETE", f"/{gid}")
    assert (gone.status, gone.body) == (204, b"")
    assert scim("GET", f"/{gid}").status == 404


# Three faces, one API


def test_the_faces_answer_byte_for_byte_the_same() -> None:
    transcripts = {name: transcript(name) for name in FACES}
    assert len(transcripts["starlette"]) > 20
    assert transcripts["flask"] == transcripts["starlette"]
    assert transcripts["django"] == transcripts["starlette"]


def transcript(name: str) -> list[object]:
    """What one face says to a series of requests that touches every operation, good and bad."""
    with facing(name) as face:
        sample, task = face.sample, face.sample.tasks[0]
        answers = [
            face.send("GET", "/users/me", token=None),
            face.send("GET", "/users?limit=2"),
            face.send("GET", f"/tasks/{task}?opt_pretty"),
            face.send("HEAD", f"/tasks/{task}"),
            face.send("GET", "/nowhere?opt_pretty"),
            face.send("OPTIONS", "/tasks", token=None),
            face.send("PATCH", f"/tasks/{task}", {}),
            face.raw("POST", f"{BASE}/tasks", b"{", "application/json"),
            face.send("POST", "/tasks", {"name": "Größe", "assignee": "me"}),
            face.send("PUT", f"/tasks/{task}", {"due_on": "2030-03-04"}),
            face.send("POST", f"/tasks/{task}/addProject", {"project": sample.backlog}),
            face.send("POST", f"/tasks/{task}/addFollowers", {"followers": sample.people[0]}),
            face.send("POST", f"/tasks/{task}/removeProject", {"project": sample.project}),
            face.send("GET", f"/tasks?project={sample.project}&limit=3&opt_fields=name,projects.name"),
            face.send("GET", f"/projects/{sample.project}/tasks?limit=1&limit=2&name=a%20b+c&x=%FF"),
            face.send("POST", "/projects", {"name": "Party"}),
            face.send("POST", f"/teams/{sample.team}/addUser", {"user": sample.people[4]}),
            face.send("GET", f"/teams/{sample.team}/users"),
            face.upload(f"/tasks/{task}/attachments", [text_file(b"hello"), ('name="name"', b"renamed.txt")]),
            face.upload("/attachments", [text_file(b"hello")]),
            face.send("GET", f"/attachments?parent={task}"),
            face.send("POST", "/organization_exports", {}),
            face.send("GET", "/scim/v2/Users"),
            face.raw("PUT", f"{BASE}/scim/v2/Users/{sample.people[5]}", b"[]", "application/scim+json"),
            face.send("DELETE", f"/scim/v2/Users/{sample.people[5]}"),
            face.send("DELETE", f"/tasks/{task}", {}),
            face.send("GET", f"/tasks/{task}"),
        ]
        said = [answer.body.replace(sample.token.encode(), b"TOKEN") for answer in answers]
        return [(answer.status, sorted(answer.headers), body) for answer, body in zip(answers, said, strict=True)]
