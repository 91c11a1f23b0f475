"""Without any hooks the trace headers of the batch reach every action as they are (C16)."""

from __future__ import annotations

import pytest

from tests.contract.batching import Spy, action, bare_door, post_batch, wrap
from tests.hosts import Host

TRACE = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "vendor=1,other=2",
    "baggage": "tenant=7",
    "b3": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
    "sentry-trace": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
    "x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678",
    "x-cloud-trace-context": "0af7651916cd43dd8448eb211c80319c/1;o=1",
    "x-correlation-id": "c-1",
    "x-request-id": "7f3c",
}


@bare_door
@pytest.mark.parametrize("name", TRACE)
def test_c16_trace_headers_reach_every_action(host: Host, name: str) -> None:
    spy = Spy(host.door)
    post_batch(wrap(spy), spy, [action("/a"), action("/b", "post", data={})], headers={name: TRACE[name]})
    assert [seen.all(name) for seen in spy.seen] == [[TRACE[name]]] * 2
