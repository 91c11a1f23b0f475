"""PEP 3333, by its two referees, at both edges: around the batch, and between batchware and every host.

`wsgiref.validate` and werkzeug's `LintMiddleware` judge each request and each response whole. What they find around
the batch fails the test; what they find around the host makes a result a 500.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from wsgiref.validate import validator

import pytest
from werkzeug.middleware.lint import LintMiddleware

from batchware.wsgi import BatchMiddleware
from tests.contract.batching import action
from tests.hosts import WSGI_HOSTS, Host, params, probe
from tests.hosts.clients import send

_REFEREES = {"wsgiref": validator, "werkzeug": LintMiddleware}
_PNG = {"status": 200, "headers": [["content-type", "image/png"]], "body": base64.b64encode(bytes(range(256))).decode()}
_HTML = {"status": 404, "headers": [["content-type", "text/html; charset=utf-8"]], "body": "w6k="}

BATCH = [
    action("/echo", "get", data={"a": 1, "b": "é ?&", "c": [1, 2]}),
    action("/echo/%C3%A9/%F0%9F%98%80%20%25", "get"),
    action("/echo", "post"),
    action("/echo", "post", data={"name": "é", "n": 2**70}),
    action("/echo", "put", data={}),
    action("/echo", "patch", data={"a": None}),
    action("/echo", "delete", data={"a": "b"}),
    action("/respond", "post", data=_PNG),
    action("/respond", "get", data={"spec": probe.encode_spec(_HTML)}),
    action("/respond", "get", data={"spec": probe.encode_spec({**_HTML, "chunks": 2})}),
]


@pytest.mark.parametrize("inside", [pytest.param(r, id=f"{n}-inside") for n, r in _REFEREES.items()])
@pytest.mark.parametrize("outside", [pytest.param(r, id=f"{n}-outside") for n, r in _REFEREES.items()])
@pytest.mark.parametrize("threads", [0, 4])
@pytest.mark.parametrize("host", params(*WSGI_HOSTS))
def test_c17_referees_on_both_sides(host: Host, threads: int, outside: Any, inside: Any) -> None:
    middleware = BatchMiddleware(inside(host.shared()), threads=threads)
    response = send(
        outside(middleware),
        "wsgi",
        "POST",
        "/batch",
        body=json.dumps({"data": {"actions": BATCH}}).encode(),
        headers=[("Content-Type", "application/json"), ("X-Thing", "1"), ("Cookie", "a=1; b=2")],
        lint=False,
    )
    middleware.close()
    assert response.raised is None, response.raised
    statuses = [result["status_code"] for result in response.json()["data"]]
    assert statuses == [200] * 8 + [404] * 2


@pytest.mark.parametrize("referee", [pytest.param(r, id=n) for n, r in _REFEREES.items()])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="no batch"),
        pytest.param(b"[", id="no JSON"),
        pytest.param(json.dumps({"data": {"actions": [action("/batch")]}}).encode(), id="all refused"),
        pytest.param(json.dumps({"data": {"actions": [action("/raise"), action("/half")]}}).encode(), id="all failed"),
    ],
)
def test_c19_c30_referees_around_every_kind_of_answer(referee: Any, body: bytes) -> None:
    (host,) = (host for host in WSGI_HOSTS if host.id == "wsgi")
    app = referee(BatchMiddleware(host.shared(), threads=0))
    headers = [("Content-Type", "application/json")]
    response = send(app, "wsgi", "POST", "/batch", body=body, headers=headers, lint=False)
    assert response.raised is None, response.raised
    assert response.status == (200 if body.startswith(b"{") else 400)
