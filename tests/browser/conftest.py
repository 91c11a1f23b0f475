"""Chromium without a window, and servers on 127.0.0.1 for its pages: each test of this folder asks a real browser.

Chromium is the system's; Playwright drives it. Where one of them is missing the tests are skipped, but in CI they fail.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal

import pytest

from tests.integrations.needs import require
from tests.servers.running import LOOPBACK, wait_for

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

Serve = Callable[..., AbstractContextManager[str]]


def chromium() -> str | None:
    """The path of the system's Chromium."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """For one module at a time: while it is there, this thread has a running event loop."""
    require("playwright")
    program = chromium()
    if program is None:
        assert os.environ.get("CI") != "true", "chromium is missing"
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """An empty page in a profile of its own; `page.console` is what its scripts and its requests have complained of."""
    context = browser.new_context()
    page = context.new_page()
    page.console = []
    page.on("console", lambda message: page.console.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.console.append(str(error)))
    yield page
    context.close()


@contextmanager
def serving(app: Any, door: Literal["asgi", "wsgi"]) -> Iterator[str]:
    """The origin at which `app` is served by uvicorn or werkzeug, in a thread, until the block ends."""
    if door == "wsgi":
        from werkzeug.serving import make_server

        server = make_server(LOOPBACK, 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
        return
    import uvicorn

    uvi = uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=uvi.run)
    thread.start()
    try:
        wait_for("uvicorn is up", lambda: uvi.started)
        port = uvi.servers[0].sockets[0].getsockname()[1]
        yield f"http://{LOOPBACK}:{port}"
    finally:
        uvi.should_exit = True
        thread.join()


@pytest.fixture
def serve() -> Serve:
    return serving
