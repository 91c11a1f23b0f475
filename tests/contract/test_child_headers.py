"""C16: which of the parent's headers a child request inherits."""

from __future__ import annotations

import pytest

from batchware.contract.headers import idempotency_key
from tests.contract.batching import action, bare_door, every_host, host_named, post_batch, wrap
from tests.contract.children import child, children
from tests.hosts import Host
from tests.hosts.clients import send

ASGI = host_named("asgi")

INHERITED = {
    "accept": "application/json",
    "accept-language": "de",
    "api-version": "2",
    "asana-enable": "new_user_task_lists",
    "authorization": "Bearer secret",
    "baggage": "a=1",
    "cookie": "session=1; csrftoken=2",
    "dnt": "1",
    "forwarded": "for=192.0.2.1;host=api.example;proto=https",
    "from": "me@example.com",
    "host": "api.example:8443",
    "max-forwards": "3",
    "origin": "https://page.example",
    "prefer": "return=minimal",
    "referer": "https://page.example/x",
    "sec-fetch-site": "same-origin",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "a=b",
    "uber-trace-id": "1:2:3:4",
    "user-agent": "test/1.0",
    "via": "1.1 proxy",
    "x-amzn-trace-id": "Root=1",
    "x-api-key": "secret",
    "x-b3-traceid": "1",
    "x-client-cert": "abc",
    "x-csrf-token": "3",
    "x-csrftoken": "4",
    "x-custom": "anything",
    "x-forwarded-for": "192.0.2.1, 192.0.2.2",
    "x-forwarded-host": "api.example",
    "x-forwarded-port": "443",
    "x-forwarded-prefix": "/mnt",
    "x-forwarded-proto": "https",
    "x-real-ip": "192.0.2.1",
    "x-request-id": "5",
    "x-requested-with": "XMLHttpRequest",
    "x-tenant": "6",
    "x-xsrf-token": "7",
    # Names that begin or end like those that are dropped.
    "contents": "8",
    "expected": "9",
    "iffy": "10",
    "te-x": "11",
    "x-connection": "12",
    "x-digest": "13",
    "x-range": "14",
    "x-script-names": "15",
    "upgrade-insecure-requests": "1",
}

OWN_BODY = {
    "content-digest": "sha-256=:x:",
    "content-disposition": "attachment",
    "content-encoding": "identity",
    "content-language": "de",
    "content-location": "/x",
    "content-md5": "x",
    "content-range": "bytes 0-1/2",
    "content-something-new": "x",
    "digest": "sha-256=x",
    "expect": "100-continue",
    "signature": "sig1=:x:",
    "signature-input": "sig1=()",
    "te": "trailers",
    "trailer": "x-sum",
    "transfer-encoding": "chunked",
}
OWN_CONNECTION = {
    "connection": "keep-alive, x-custom",
    "http2-settings": "x",
    "keep-alive": "timeout=5",
    "proxy-authorization": "Basic x",
    "proxy-connection": "keep-alive",
    "sec-websocket-key": "x",
    "sec-websocket-protocol": "x",
    "sec-websocket-version": "13",
    "upgrade": "h2c",
}
OWN_CACHE = {
    "if-match": '"x"',
    "if-modified-since": "Tue, 24 Nov 2026 00:00:00 GMT",
    "if-none-match": '"x"',
    "if-range": '"x"',
    "if-unmodified-since": "Tue, 24 Nov 2026 00:00:00 GMT",
    "range": "bytes=0-1",
}
REWRITING = {
    "x-envoy-original-path": "/admin",
    "x-forwarded-path": "/admin",
    "x-forwarded-uri": "/admin",
    "x-http-method": "DELETE",
    "x-http-method-override": "DELETE",
    "x-method-override": "DELETE",
    "x-original-method": "DELETE",
    "x-original-path": "/admin",
    "x-original-uri": "/admin",
    "x-original-url": "/admin",
    "x-rewrite-url": "/admin",
    "x-script-name": "/admin",
}
DROPPED = {**OWN_BODY, **OWN_CONNECTION, **OWN_CACHE, **REWRITING}


@bare_door
@pytest.mark.parametrize("method", ["get", "post"])
def test_c16_all_other_headers_are_inherited(host: Host, method: str) -> None:
    seen = child(host, action("/x", method), headers=INHERITED)
    assert {name: value for name, value in seen.headers if name in INHERITED} == INHERITED
    assert {name for name, _ in seen.headers} <= {*INHERITED, "accept-encoding", "content-length"}


@bare_door
@pytest.mark.parametrize("method", ["get", "post", "delete"])
@pytest.mark.parametrize("name", sorted(DROPPED))
def test_c16_what_speaks_of_the_parent_itself_is_not_inherited(host: Host, name: str, method: str) -> None:
    seen = child(host, action("/x", method), headers={name: DROPPED[name], "x-custom": "1"})
    assert seen.all(name) == []
    assert seen.all("x-custom") == ["1"]


@bare_door
def test_c16_a_name_is_dropped_in_any_case(host: Host) -> None:
    headers = {name.title(): value for name, value in DROPPED.items()}
    seen = child(host, action("/x"), headers=headers)
    assert {name for name, _ in seen.headers} <= {"host", "accept-encoding", "content-length"}


@bare_door
def test_c16_the_parents_content_headers_are_not_the_childs(host: Host) -> None:
    seen = child(host, action("/x"))
    assert seen.all("content-type") == []
    assert seen.all("content-length") in ([], ["0"])


@bare_door
def test_c16_a_header_that_connection_names_is_inherited(host: Host) -> None:
    headers = {"Connection": "close, X-Forwarded-For, Authorization", "X-Forwarded-For": "192.0.2.1"}
    seen = child(host, action("/x"), headers={**headers, "Authorization": "Bearer x"})
    assert seen.header("x-forwarded-for") == "192.0.2.1"
    assert seen.header("authorization") == "Bearer x"
    assert seen.header("connection") is None


@bare_door
@pytest.mark.parametrize("given", [[], ["gzip, br"], ["gzip", "br"], ["identity;q=0"]], ids=str)
def test_c16_accept_encoding_is_identity(host: Host, given: list[str]) -> None:
    seen = child(host, action("/x"), headers=[("Accept-Encoding", coding) for coding in given])
    assert seen.all("accept-encoding") == ["identity"]


def test_c16_fields_keep_their_number_and_order() -> None:
    headers = [("X-A", "1"), ("Cookie", "a=1"), ("X-A", "2"), ("Cookie", "b=2"), ("X-A", "1")]
    seen = child(ASGI, action("/x"), headers=headers)
    assert [pair for pair in seen.headers if pair[0] in {"x-a", "cookie"}] == [
        (name.lower(), value) for name, value in headers
    ]


@bare_door
def test_c16_a_value_keeps_its_bytes(host: Host) -> None:
    value = "caf\xe9 \xff\x80,  ;="
    assert child(host, action("/x"), headers={"X-Raw": value}).header("x-raw") == value


@bare_door
def test_c16_every_action_inherits_them(host: Host) -> None:
    actions = [action(f"/{index}", "post" if index % 2 else "get") for index in range(10)]
    seen = children(host, actions, headers={"Authorization": "Bearer x"})
    assert [request.all("authorization") for request in seen] == [["Bearer x"]] * 10


# --- Idempotency-Key


@bare_door
@pytest.mark.parametrize(
    ("method", "carries"),
    [("get", False), ("head", False), ("post", True), ("put", True), ("patch", True), ("delete", True)],
)
def test_c16_an_idempotency_key_goes_to_unsafe_methods_only(host: Host, method: str, carries: bool) -> None:
    seen = child(host, action("/x", method), headers={"Idempotency-Key": '"abc"'})
    assert seen.all("idempotency-key") == (['"abc:0"'] if carries else [])


@bare_door
@pytest.mark.parametrize(
    ("key", "keys"),
    [
        pytest.param('"abc"', ['"abc:0"', '"abc:2"', '"abc:3"'], id="inside its quotes"),
        pytest.param('""', ['":0"', '":2"', '":3"'], id="of nothing"),
        pytest.param("abc", ["abc:0", "abc:2", "abc:3"], id="without quotes"),
        pytest.param('"', ['":0', '":2', '":3'], id="a quote that is not closed"),
    ],
)
def test_c16_an_idempotency_key_is_each_actions_own(host: Host, key: str, keys: list[str]) -> None:
    actions = [action("/0", "post"), action("/1"), action("/2", "delete"), action("/3", "patch", data={})]
    seen = children(host, actions, headers={"Idempotency-Key": key})
    assert [request.header("idempotency-key") for request in seen] == [keys[0], None, *keys[1:]]


def test_c16_space_that_a_server_left_after_an_idempotency_key_does_not_hide_its_quotes() -> None:
    assert idempotency_key('"abc" ', 1) == '"abc:1"'


@pytest.mark.parametrize(("key", "own"), [('""', '":1"'), ('"', '":1'), ("a", "a:1"), ("ab", "ab:1"), ('ab"', 'ab:1"')])
def test_c16_an_idempotency_key_that_is_no_string_in_quotes_gets_its_index_too(key: str, own: str) -> None:
    assert idempotency_key(key, 1) == own
    assert idempotency_key(' "abc"', 1) == ' "abc:1"'


# --- on each host


@every_host
@pytest.mark.parametrize("method", ["get", "post"])
def test_c16_a_handler_reads_the_headers_of_a_direct_request(host: Host, method: str) -> None:
    # Not the origin: a host may answer to it, and the batch asks it for that.
    headers = {name: value for name, value in INHERITED.items() if name != "origin"}
    body = b'{"data":{"a": 1}}' if method == "post" else b""
    own = {**headers, "Accept-Encoding": "identity"}
    typed = {"Content-Type": "application/json"} if body else {}
    direct = send(host.shared(), host.door, method.upper(), "/echo/x", headers={**own, **typed}, body=body).json()
    data = {"data": {"a": 1}} if body else {}
    answer = post_batch(wrap(host), host, [action("/echo/x", method, **data)], headers={**headers, **DROPPED})
    shown = answer.result["body"]
    assert shown["headers"].pop("content-length", "0") in {str(len(body)), ""}
    direct["headers"].pop("content-length", None)
    assert shown["headers"] == direct["headers"]
    assert shown["cookies"] == direct["cookies"] == {"session": "1", "csrftoken": "2"}
