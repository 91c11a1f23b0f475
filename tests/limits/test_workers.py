"""Two gunicorn workers and one Redis: what one worker has admitted counts for the other (C36, C37)."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.limits.servers import Server, free_port
from tests.servers.running import JSON, ROOT, envelope, get, wait_for


def send(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, {"Connection": "close", **(JSON if body else {})})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.fixture
def two_workers(own_redis: Server) -> Iterator[int]:
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--no-control-socket", "--workers", "2"),
        *("--worker-class", "gthread", "--threads", "4", "--log-level", "error", "tests.limits.worker:application"),
    ]
    environment = {**os.environ, "LIMITS_REDIS": own_redis.url, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            workers: set[object] = set()

            def both() -> bool:
                assert process.poll() is None
                with suppress(OSError):
                    workers.add(send(port, "GET", "/who")[1]["pid"])
                return len(workers) == 2

            wait_for("both workers answer", both)
            yield port
        finally:
            process.terminate()


def test_c36_c37_two_workers_share_one_count(two_workers: int, own_redis: Server) -> None:
    assert {send(two_workers, "GET", "/tasks/1")[0] for _ in range(17)} == {200}
    batch = envelope(*(get(f"/tasks/{number}") for number in range(5)))
    for _ in range(6):  # whichever worker takes it
        status, refusal = send(two_workers, "POST", "/batch", batch)
        assert status == 429, refusal
    with own_redis.admin() as client:
        assert client.get("ran") == "17", "no handler of a refused batch has run"
    assert [send(two_workers, "GET", "/tasks/1")[0] for _ in range(4)] == [200, 200, 200, 429]
