"""`Server-Timing` as a browser reads it: an entry for each action, in the order of the batch.

For pages and developer tools: the network panel of Chromium 156 draws these entries below its own timing of the batch.
"""

from __future__ import annotations

from typing import Any

import pytest

from batchware import asgi, wsgi
from tests.browser.conftest import Serve
from tests.contract.batching import action, bare_door
from tests.hosts import Host

POST = """
async actions => {
    const headers = {"Content-Type": "application/json"}
    const answer = await fetch("/batch", {method: "POST", headers, body: JSON.stringify({data: {actions}})})
    await answer.text()
    const seen = new Promise(resolve => new PerformanceObserver(list => {
        const entry = list.getEntries().find(entry => entry.name.endsWith("/batch"))
        if (entry) resolve(entry.serverTiming.map(({name, description, duration}) => [name, description, duration]))
    }).observe({type: "resource", buffered: true}))
    return seen
}
"""


@bare_door
def test_a_browser_reads_the_time_of_each_action(host: Host, page: Any, serve: Serve) -> None:
    door = asgi.BatchMiddleware if host.door == "asgi" else wsgi.BatchMiddleware
    app = door(host.make(), server_timing=True)
    sent = [action("/tasks/1"), "nothing", action("/nowhere", "delete")]
    with serve(app, host.door) as origin:
        page.goto(f"{origin}/tasks/0")
        entries = page.evaluate(POST, sent)
    assert [name for name, _, _ in entries] == ["a0", "a1", "a2"]
    assert [description for _, description, _ in entries][:2] == ["GET 200", "refused 400"]
    assert entries[2][1].startswith("DELETE 4")
    assert all(duration >= 0 for _, _, duration in entries)
    assert entries[1][2] == pytest.approx(0.0), "what was refused took no time"
