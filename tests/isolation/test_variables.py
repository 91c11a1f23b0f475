"""C9, C16, C17: nothing that a client writes, in its batch or its headers, becomes a variable of the server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.contract.children import child, refusal
from tests.hosts import Host
from tests.hosts.clients import send

NAMES = [
    "REMOTE_USER", "AUTH_TYPE", "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_COOKIE", "HTTP_HOST", "SCRIPT_NAME",
    "PATH_INFO", "SERVER_NAME", "HTTPS", "SSL_CLIENT_VERIFY", "wsgi.input", "wsgi.url_scheme", "batchware.action",
    "bottle.request.json", "werkzeug.request", "x.user", "batchware", "user", "session", "state", "auth", "root_path",
    "client", "headers", "extensions", "app", "router", "endpoint", "path_params", "__proto__", "__class__", "a\x00b",
    "a\r\nRemote-User: me", "remote_user", "x-forwarded-for",
]  # fmt: skip
HOSTILE = dict.fromkeys(NAMES, "attacker")


def _frame(host: Host, entry: dict[str, Any]) -> dict[str, Any]:
    """What reaches the host, less what each request has of its own."""
    frame = dict(child(host, entry).frame)
    for key in (
        "QUERY_STRING",
        "query_string",
        "CONTENT_LENGTH",
        "wsgi.input",
        "wsgi.errors",
        "batchware",
        "batchware.action",
    ):
        frame.pop(key, None)
    if "headers" in frame:
        frame["headers"] = [field for field in frame["headers"] if field[0] != b"content-length"]
    return frame


@bare_door
@pytest.mark.parametrize("method", ["get", "delete", "post", "put", "patch"])
def test_c17_no_name_in_data_becomes_a_variable(host: Host, method: str) -> None:
    plain, hostile = action("/x", method, data={"a": 1}), action("/x", method, data=HOSTILE)
    assert _frame(host, hostile) == _frame(host, plain)


@bare_door
def test_c15_no_value_of_an_option_becomes_a_variable(host: Host) -> None:
    options = {"fields": NAMES[-3:], "expand": ["REMOTE_USER"], "offset": "x\r\nRemote-User: me", "limit": 1}
    assert _frame(host, action("/x", options=options)) == _frame(host, action("/x"))


@bare_door
@pytest.mark.parametrize("name", [*NAMES, "environ", "scope", "cookies", "url", "body", "query", "path"])
def test_c9_no_member_of_an_action_becomes_a_variable(host: Host, name: str) -> None:
    assert "actions[0]" in refusal(host, action("/x", **{name: "attacker"}))
    assert "actions[0].options" in refusal(host, action("/x", options={name: "attacker"}))


@bare_door
@pytest.mark.parametrize("name", NAMES)
def test_c5_no_member_of_the_envelope_becomes_a_variable(host: Host, name: str) -> None:
    entry = action("/x")
    body = json.dumps({name: "attacker", "data": {name: "attacker", "actions": [entry]}}).encode()
    plain = child(host, body=json.dumps({"data": {"actions": [entry]}}).encode()).frame
    assert child(host, body=body).frame.keys() == plain.keys()


SPELLINGS = [
    "Remote-User", "Remote_User", "REMOTE_USER", "X_Forwarded_For", "HTTP_X_FORWARDED_FOR", "Auth-Type", "Script-Name",
    "Script_Name", "Path-Info", "Request-Method", "Query-String", "Server-Name", "Https", "Ssl-Client-Verify",
    "Wsgi.Input", "Wsgi.Url_Scheme", "Batchware", "Batchware.Action", "Batchware-Action", "Http-Host", "Http_Cookie",
    "X-Forwarded_For", "Remote.User", "X.Y",
]  # fmt: skip


@every_host
@pytest.mark.parametrize("name", SPELLINGS)
def test_c16_a_header_is_to_an_action_what_it_is_to_a_direct_request(host: Host, name: str) -> None:
    headers = [(name, "attacker")]
    direct = send(host.shared(), host.door, "GET", "/echo/x", headers=headers).json()
    shown = post_batch(wrap(host), host, [action("/echo/x")], headers=headers).result["body"]
    assert shown["headers"].pop("accept-encoding") == "identity"
    for key in ("content-length", "content-type"):  # WSGI frameworks may show an empty one
        for request in (direct, shown):
            assert request["headers"].pop(key, "") in ("", "0")
    assert shown == direct


@every_host
@pytest.mark.parametrize(
    "name", ["Content_Length", "Content_Type", "Transfer_Encoding", "X_HTTP_Method_Override", "If_Match"]
)
def test_c16_what_is_the_batchs_own_is_so_in_any_spelling(host: Host, name: str) -> None:
    headers = [(name, "7")]
    shown = post_batch(wrap(host), host, [action("/echo/x", "post", data={})], headers=headers).result["body"]
    assert base64.b64decode(shown["body"]) == b'{"data":{}}'
    spelled = {key.replace("_", "-"): value for key, value in shown["headers"].items()}
    assert spelled["content-length"] == "11"
    assert spelled["content-type"] == "application/json"
    assert not {"transfer-encoding", "x-http-method-override", "if-match"} & set(spelled)


def test_c17_what_the_server_says_of_the_client_is_the_servers_word() -> None:
    from tests.contract.batching import host_named

    says = {"REMOTE_USER": "me", "AUTH_TYPE": "Basic", "REMOTE_ADDR": "192.0.2.1"}
    entry = action("/x", "post", data={**HOSTILE, "REMOTE_USER": "attacker"})
    headers = [("Remote-User", "attacker"), ("Auth-Type", "attacker")]
    frame = child(host_named("wsgi"), entry, environ_extra=says, headers=headers).frame
    assert says.items() <= frame.items()
    assert frame["HTTP_REMOTE_USER"] == "attacker", "a header, as for a direct request"
