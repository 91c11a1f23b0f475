"""More work than a process can take, on real servers: refused at once and for nothing, and direct requests go on (C42).

One test holds as many actions as there are places, so that what is offered beyond them can be counted, not timed.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from tests.servers.conftest import Serve
from tests.servers.kinds import GUNICORN, UVICORN, Server, params
from tests.servers.running import JSON, Response, Running, envelope, get, wait_for

HELD = envelope(*[get("/held")] * 10)
BATCHES = 3
PLACES = 10 * BATCHES
OFFERED = 4  # times as much as there is room for
LIMIT = 1000
OPTIONS: dict[str, Any] = {
    "max_pending": PLACES,
    "limits": [("quota", "all", LIMIT, {"per": 86400.0})],
    "ratelimit_headers": True,
}


class Offers:
    """Batches offered at once, each by a client of its own, and what they were answered."""

    def __init__(self, served: Running, count: int) -> None:
        self._served = served
        self.answers: list[Response] = []
        self._threads = [threading.Thread(target=self._offer) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _offer(self) -> None:
        self.answers.append(self._served.request("POST", "/batch", HELD, **JSON))

    def all(self) -> list[Response]:
        for thread in self._threads:
            thread.join()
        return self.answers


def _left(answer: Response) -> int:
    """What is left of the limit."""
    _, _, remaining = answer.headers["ratelimit"].partition("r=")
    return int(remaining.partition(";")[0])


def _direct(served: Running) -> Response:
    answer = served.request("GET", "/tasks")
    assert (answer.status, answer.json["handler"]) == (200, "/tasks")
    return answer


@pytest.mark.parametrize("server", params(UVICORN, GUNICORN))
def test_c42_what_is_too_much_is_refused_for_nothing_and_direct_requests_pass(pool: Serve, server: Server) -> None:
    served = pool(server, None, OPTIONS)
    served.hold()
    before = served.settled(places=0)
    left = _left(_direct(served))
    offers = Offers(served, BATCHES * OFFERED)
    try:
        refused = wait_for("all but what there is room for", lambda: _refused(offers), 10.0)
        served.settled(places=PLACES)
        direct = [_left(_direct(served)) for _ in range(20)]
        again = [served.request("POST", "/batch", HELD, **JSON) for _ in range(20)]
    finally:
        served.release()
    answers = offers.all()

    # The rooms were given away once and each offer beyond them was an error, whole and with the time to come back.
    assert Counter(answer.status for answer in answers) == {200: BATCHES, 503: BATCHES * (OFFERED - 1)}
    for answer in (*refused, *again):
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert "in flight" in answer.json["errors"][0]["message"]
    # Those that ran are whole, and nothing else has run.
    for answer in answers:
        if answer.status == 200:
            assert [result["body"] for result in answer.json["data"]] == [{"held": True}] * 10
    assert served.settled(places=0, waiting=0)["finished"] == before["finished"] + PLACES
    # Each direct request passed, at the price of one; refused batches were not charged.
    assert direct == [left - PLACES - number for number in range(1, 21)]
    # And there is room again.
    assert served.request("POST", "/batch", HELD, **JSON).status == 200


def _refused(offers: Offers) -> list[Response] | None:
    answers = list(offers.answers)
    return answers if len(answers) == BATCHES * (OFFERED - 1) else None
