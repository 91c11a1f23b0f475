"""C22, C23: which headers of a response stand in its result, and how."""

from __future__ import annotations

import pytest

from batchware.contract.headers import result_headers
from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.contract.small_apps import respond
from tests.hosts import Host
from tests.hosts.clients import send


@every_host
def test_c22_names_are_in_lower_case_and_values_are_strings(host: Host) -> None:
    fields = [("ETag", '"1"'), ("X-Request-ID", "42"), ("Retry-After", "7"), ("Link", "</a>; rel=next")]
    headers = post_batch(wrap(host), host, [respond(b"", *fields)]).result["headers"]
    assert headers | {"etag": '"1"', "x-request-id": "42", "retry-after": "7", "link": "</a>; rel=next"} == headers
    assert all(name == name.lower() for name in headers)


@every_host
def test_c22_several_of_one_name_are_joined(host: Host) -> None:
    fields = [("Link", "</a>; rel=next"), ("X-One", "1"), ("Link", "</b>; rel=last")]
    headers = post_batch(wrap(host), host, [respond(b"", *fields)]).result["headers"]
    assert headers["link"] == "</a>; rel=next, </b>; rel=last"


@bare_door  # frameworks don't agree on how such a value is encoded
def test_c22_values_beyond_ascii_are_latin_1(host: Host) -> None:
    headers = post_batch(wrap(host), host, [respond(b"", ("X-Name", "caf\xe9"))]).result["headers"]
    assert headers["x-name"] == "caf\xe9"


LEFT_OUT = [
    "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding",
    "Upgrade", "Content-Length", "Date", "Server", "Alt-Svc", "Strict-Transport-Security", "Vary", "Cache-Control",
    "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers",
    "Access-Control-Anything-New", "Set-Cookie",
]  # fmt: skip


@pytest.mark.parametrize("name", LEFT_OUT)
def test_c23_left_out(name: str) -> None:
    headers = [(name.lower(), "x"), ("etag", '"1"')]
    assert result_headers(headers, head=False, only=None) == {"etag": '"1"'}
    assert result_headers(headers, head=False, only=frozenset({name.lower(), "etag"})) == {"etag": '"1"'}


KEPT = [
    "ETag", "Last-Modified", "Expires", "Location", "Content-Location", "Content-Language", "Content-Disposition",
    "Content-Encoding", "Link", "Retry-After", "WWW-Authenticate", "Allow", "Age", "RateLimit", "X-Request-Id",
    "X-Frame-Options", "Content-Security-Policy", "Asana-Change", "Deprecation", "Server-Timing", "Cookie",
    "X-Access-Control", "Content-Type",
]  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_c23_kept(name: str) -> None:
    assert result_headers([(name.lower(), "x")], head=False, only=None) == {name.lower(): "x"}


@every_host
def test_c23_what_the_answer_has_of_its_own_is_left_out(host: Host) -> None:
    fields = [
        ("Content-Type", "application/json"),
        ("Date", "Mon, 02 Nov 2026 10:00:00 GMT"),
        ("Server", "x"),
        ("Vary", "Origin"),
        ("Cache-Control", "private"),
        ("Strict-Transport-Security", "max-age=1"),
        ("Access-Control-Allow-Origin", "*"),
        ("Set-Cookie", "a=1"),
        ("X-One", "1"),
    ]
    assert post_batch(wrap(host), host, [respond(b"{}", *fields)]).result["headers"] == {"x-one": "1"}


@every_host
@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "application/problem+json", "text/plain", "application/x-thing"],
)
def test_c23_a_content_type_but_plain_json_is_kept(host: Host, content_type: str) -> None:
    wanted = respond(b"{}", ("Content-Type", content_type))
    assert post_batch(wrap(host), host, [wanted]).result["headers"]["content-type"] == content_type


@bare_door
@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON"])
def test_c23_plain_json_is_not_said(host: Host, content_type: str) -> None:
    wanted = respond(b"{}", ("Content-Type", content_type))
    assert post_batch(wrap(host), host, [wanted]).result["headers"] == {}


@every_host
def test_c23_content_length_is_kept_for_head(host: Host) -> None:
    headed = action("/respond", "head", data=respond(b"12345", method="get")["data"])
    direct = send(host.shared(), host.door, "HEAD", f"/respond?spec={headed['data']['spec']}")
    answer = post_batch(wrap(host), host, [headed, respond(b"12345", method="get")])
    assert answer.results[0]["headers"].get("content-length") == direct.header("content-length")
    assert "content-length" not in answer.results[1]["headers"]


def test_c23_content_length_of_head() -> None:
    assert result_headers([("content-length", "5")], head=True, only=None) == {"content-length": "5"}


@bare_door
@pytest.mark.parametrize("named", [["etag", "X-Two"], {"ETag", "x-two"}], ids=["a list", "a set in other letters"])
def test_c23_result_headers_narrows_what_is_left(host: Host, named: list[str]) -> None:
    fields = [("ETag", '"1"'), ("X-One", "1"), ("X-Two", "2"), ("Content-Type", "text/plain")]
    answer = post_batch(wrap(host, result_headers=named), host, [respond(b"x", *fields)])
    assert answer.result["headers"] == {"etag": '"1"', "x-two": "2"}


@bare_door
def test_c23_result_headers_brings_nothing_back(host: Host) -> None:
    fields = [("Set-Cookie", "a=1; HttpOnly"), ("Cache-Control", "private"), ("Content-Type", "application/json")]
    app = wrap(host, result_headers=["set-cookie", "cache-control", "content-type"])
    assert post_batch(app, host, [respond(b"{}", *fields)]).result["headers"] == {}


@bare_door
def test_c23_an_empty_result_headers_leaves_none(host: Host) -> None:
    answer = post_batch(wrap(host, result_headers=()), host, [respond(b"x", ("X-One", "1"))])
    assert answer.result["headers"] == {"content-transfer-encoding": "base64"}
