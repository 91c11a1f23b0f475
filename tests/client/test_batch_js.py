"""The browser's client, by Node's own test runner and by tsc: what it sends, what it gives, and its types.

Node and tsc are programs of the system. Where one is missing its tests are skipped, but in CI they fail.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from batchware import asgi, wsgi
from examples.taskboard import hosts
from tests.browser.conftest import serving
from tests.contract.batching import host_named
from tests.examples.boards import filled, settings_of

HERE = Path(__file__).parent
SECONDS = 300
"""Until a run of Node is given up; it takes some seconds."""


def _program(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        assert os.environ.get("CI") != "true", f"{name} is missing"
        pytest.skip(f"{name} is not installed")
    return program


def _run(*command: str, **environment: str) -> None:
    ran = subprocess.run(
        command,
        check=False,
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, **environment},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_calls_are_gathered_sent_and_answered_as_promised() -> None:
    _run(_program("node"), "--test", "batch_fetch.test.mjs")


DOORS = {"asgi": asgi.BatchMiddleware, "wsgi": wsgi.BatchMiddleware}


@pytest.fixture(params=["asgi asana", "asgi plain", "wsgi asana", "starlette", "flask", "django"])
def server(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A host whose routes echo a request or respond as they are told, in either style; or a face of the example."""
    name: str = request.param
    door, _, style = name.partition(" ")
    with ExitStack() as stack:
        if style:
            app = DOORS[door](host_named(door).make(), style=style)
            origin = stack.enter_context(serving(app, "asgi" if door == "asgi" else "wsgi"))
            yield {"name": name, "style": style, "api": origin}
            return
        board, sample = stack.enter_context(filled())
        stack.enter_context(settings_of(name))
        listener = hosts.listen(0)
        api = f"http://{hosts.LOOPBACK}:{listener.getsockname()[1]}/api/1.0"
        stack.enter_context(hosts.serving(name, board, listener))
        yield {"name": name, "style": "asana", "api": api, "token": sample.token, "tasks": list(sample.tasks[:10])}


def test_c0_a_batched_call_gives_what_fetch_gives(server: dict[str, Any]) -> None:
    seed = {"SEED": "1"} if os.environ.get("CI") == "true" else {}
    _run(_program("node"), "--test", "batch_equals_fetch.test.mjs", BATCH_SERVERS=json.dumps([server]), **seed)


def test_the_types_hold_and_refuse_what_is_wrong() -> None:
    _run(_program("tsc"), "--project", ".")
