"""Under trio the first batch says what is missing; requests that are no batch are served as ever."""

from __future__ import annotations

from tests.matrix.servers import HYPERCORN_TRIO
from tests.servers.kinds import require
from tests.servers.running import get, running


def test_a_batch_under_trio_is_a_clear_error_and_other_requests_pass() -> None:
    require(HYPERCORN_TRIO)
    with running(HYPERCORN_TRIO, "asgi") as served:
        assert served.request("GET", "/tasks").status == 200
        answer = served.batch(get("/tasks"))
        assert (answer.status, b"status_code" in answer.body) == (500, False)
        assert "batchware runs on asyncio; this application is served by another event loop" in served.log()
        assert served.request("GET", "/tasks").status == 200
