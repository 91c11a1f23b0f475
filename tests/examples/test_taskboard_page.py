"""The page of the taskboard as it is served: its files, its headers, who gets a token, and the slow connection."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from examples.taskboard import latency, limits, pages
from examples.taskboard.api import Board
from examples.taskboard.hosts import LOOPBACK, listen, serving
from tests.examples.boards import BASE, FACES, Face, facing, filled, settings_of

LOCAL = {"host": "127.0.0.1:8000"}


@pytest.mark.parametrize("path", pages.FILES)
def test_a_file_is_sent_with_its_type_and_asked_for_again_each_time(face: Face, path: str) -> None:
    response = face.raw("GET", path, token=None)
    assert response.status == 200
    assert response.header("cache-control") == "no-cache"
    assert response.header("x-content-type-options") == "nosniff"
    assert "default-src 'none'; script-src 'self'" in (response.header("content-security-policy") or "")
    suffix = Path(path).suffix or ".html"
    assert response.header("content-type") == f"{pages.TYPES[suffix]}; charset=utf-8"
    name = "index.html" if path == "/" else Path(path).name
    folder = pages.CLIENT.parent if name == "batch.js" else pages.FOLDER
    assert response.body == (folder / name).read_bytes()

    etag = response.header("etag")
    assert etag
    again = face.raw("GET", path, token=None, more={"if-none-match": f'"other", W/{etag}'})
    assert (again.status, again.body, again.header("etag")) == (304, b"", etag)
    assert face.raw("GET", path, token=None, more={"if-none-match": '"other"'}).status == 200
    head = face.raw("HEAD", path, token=None)
    assert (head.status, head.body, head.header("etag")) == (200, b"", etag)
    assert face.raw("POST", path).status == 405


class _References(HTMLParser):
    """What a page loads, and what its policy would keep from working."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in {"script", "img", "link"}:
            self.loaded.append(values.get("src") or values.get("href") or "")
        self.inline += [name for name in values if name == "style" or name.startswith("on")]
        self.inline += ["style"] * (tag == "style") + ["script"] * (tag == "script" and "src" not in values)


def test_the_page_is_made_of_what_is_served_and_of_nothing_else() -> None:
    page = _References()
    page.feed(pages.FILES["/"].content.decode())
    assert page.inline == []
    imported: set[str] = set(page.loaded)
    for path, file in pages.FILES.items():
        text = file.content.decode()
        assert "://" not in text.replace("http://www.w3.org/2000/svg", ""), path
        if path.endswith(".js"):
            imported |= {f"/page/{name}" for name in re.findall(r'^(?:import|export).* from "\./(.+)";$', text, re.M)}
    assert imported | {"/"} == set(pages.FILES)


def test_only_a_board_with_a_guest_hands_out_a_token_and_only_on_this_machine(face: Face) -> None:
    assert face.raw("GET", pages.SESSION, token=None, more=LOCAL).status == 403
    face.board.guest = face.sample.token
    answer = face.raw("GET", pages.SESSION, token=None, more=LOCAL)
    assert (answer.status, answer.json()) == (200, {"token": face.sample.token})
    assert answer.header("cache-control") == "no-store"
    assert face.raw("GET", pages.SESSION, token=None, more={"host": "[::1]:8000"}).status == 200
    for host in ("board.example.org", "127.0.0.1.example.org:8000", "localhost.example.org"):
        assert face.raw("GET", pages.SESSION, token=None, more={"host": host}).status == 403


def test_a_file_of_the_page_costs_nothing_in_the_limits_of_the_api() -> None:
    for name in FACES:
        with facing(name, **limits.options("100/50/15", None, asgi=name != "flask")) as face:
            assert face.raw("GET", "/", token=None).header("ratelimit") is None
            assert '"requests";r=99' in (face.send("GET", "/users/me").header("ratelimit") or "")


# The slow connection


@pytest.mark.parametrize(
    ("path", "header", "expected"),
    [
        (f"{BASE}/batch", "100", 0.1),
        (f"{BASE}/tasks/1", "0", 0.0),
        (f"{BASE}/tasks/1", "1000", 1.0),
        pytest.param(f"{BASE}/tasks/1", "999999999", 1.0, id="no longer than a second"),
        pytest.param("/page/main.js", "100", 0.0, id="not a request to the API"),
        pytest.param(f"{BASE}/tasks/1", None, 0.0, id="nobody asks for it"),
        pytest.param(f"{BASE}/tasks/1", "-100", 0.0, id="negative"),
        pytest.param(f"{BASE}/tasks/1", "1e3", 0.0, id="not digits"),
        pytest.param(f"{BASE}/tasks/1", "²", 0.0, id="digits of another kind"),
    ],
)
def test_a_request_waits_as_long_as_it_asks_for(path: str, header: str | None, expected: float) -> None:
    assert latency.seconds(path, header) == expected


@pytest.mark.parametrize("host", FACES)
def test_a_batch_waits_once_and_its_actions_never(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float]] = []

    def seconds(path: str, header: str | None) -> float:
        if header:
            asked.append((path, original(path, header)))
        return 0.0

    original = latency.seconds
    monkeypatch.setattr(latency, "seconds", seconds)
    with settings_of(host), filled() as (board, sample), listen(0) as listener:
        port = listener.getsockname()[1]
        headers = {"Authorization": f"Bearer {sample.token}", "Content-Type": "application/json", "X-Latency": "100"}
        actions = [{"method": "get", "relative_path": f"/tasks/{gid}"} for gid in sample.tasks[:10]]
        with serving(host, Board(board.store), listener):
            connection = HTTPConnection(LOOPBACK, port, timeout=30)
            connection.request("POST", f"{BASE}/batch", json.dumps({"data": {"actions": actions}}), headers)
            results: list[Any] = json.loads(connection.getresponse().read())["data"]
            connection.request("GET", f"{BASE}/users/me", headers=headers)
            assert connection.getresponse().read()
            connection.close()
    assert [result["status_code"] for result in results] == [200] * 10
    assert asked == [(f"{BASE}/batch", 0.1), (f"{BASE}/users/me", 0.1)]
