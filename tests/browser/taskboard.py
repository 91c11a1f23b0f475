"""The taskboard on a real server of its own, and its page in Chromium, with a record of all that it sends and says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from examples.taskboard import limits
from examples.taskboard.api import Board
from examples.taskboard.hosts import LOOPBACK, listen, serving
from examples.taskboard.sample import Sample, fill
from examples.taskboard.store import Store
from tests.examples.boards import BASE, settings_of

BATCH = f"{BASE}/batch"
REFUSED = "Failed to load resource: the server responded with a status of"


@dataclass
class Taskboard:
    """A server with a board, seen by a client of its own."""

    origin: str
    sample: Sample

    def call(self, method: str, path: str, data: Any = None) -> Any:
        """The `data` of an answer that has to be a success."""
        body = None if data is None else json.dumps({"data": data})
        headers = {"Authorization": f"Bearer {self.sample.token}", "Content-Type": "application/json"}
        with closing(HTTPConnection(urlsplit(self.origin).netloc, timeout=30)) as connection:
            connection.request(method, BASE + path, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        assert response.status < 300, answer
        return answer["data"]

    def names(self, project: str | None = None) -> list[str]:
        """The tasks of a project in the server's order."""
        tasks = self.call("GET", f"/projects/{project or self.sample.project}/tasks?opt_fields=name")
        return [task["name"] for task in tasks]


@contextmanager
def serving_board(host: str, limited: str = limits.DEFAULT) -> Iterator[Taskboard]:
    """A face with a fresh board, a guest and its limits, on the server that the example runs it on."""
    with settings_of(host), Store() as store, listen(0) as listener:
        sample = fill(store)
        options = limits.options(limited, None, asgi=host != "flask")
        port = listener.getsockname()[1]
        with serving(host, Board(store, guest=sample.token), listener, **options):
            yield Taskboard(f"http://{LOOPBACK}:{port}", sample)


@dataclass
class Screen:
    """The page, opened; `sent` is every request to the API, `said` every message on the console."""

    page: Any
    board: Taskboard
    sent: list[Any] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def actions(self, since: int = 0) -> list[dict[str, Any]]:
        """All that was asked for, in batches or alone."""
        found: list[dict[str, Any]] = []
        for request in self.sent[since:]:
            if request.url.endswith(BATCH):
                found += request.post_data_json["data"]["actions"]
            else:
                found.append({"method": request.method.lower(), "relative_path": request.url.partition(BASE)[2]})
        return found

    def column(self, name: str = "Conference") -> Any:
        return self.page.get_by_role("region", name=name, exact=True)

    def shown(self, name: str = "Conference") -> list[str]:
        names: list[str] = self.column(name).locator(".name").all_inner_texts()
        return names

    def grip(self, task: str, column: str = "Conference") -> Any:
        return self.column(column).get_by_role("button", name=f"Move {task}", exact=True)

    def wait_sent(self, count: int) -> None:
        """Until this many requests are answered."""
        with_tally = self.page.locator("#tally")
        with_tally.filter(has_text=f"in {count} request").wait_for()


@contextmanager
def opened(browser: Any, board: Taskboard, *, slow: bool = False, **context: Any) -> Iterator[Screen]:
    """The page as soon as the board is on it. Further arguments are those of Playwright's `new_context`."""
    options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **context}
    with closing(browser.new_context(**options)) as profile:
        page = profile.new_page()
        page.set_default_timeout(20_000)
        screen = Screen(page, board)
        page.on("request", lambda request: BASE in request.url and screen.sent.append(request))
        page.on("console", lambda message: screen.said.append(message.text))
        page.on("pageerror", lambda error: screen.said.append(str(error)))
        page.goto(board.origin)
        page.locator(".task").first.wait_for()
        if not slow:
            page.locator("#slow").evaluate("box => box.click()")  # which leaves the focus alone
        yield screen
