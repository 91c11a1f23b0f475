"""C3: a batch is `application/json` in UTF-8, sent as it is; everything else is 415, above all what a form can post."""

from __future__ import annotations

import pytest

from tests.contract.batching import BatchAnswer, action, bare_door, batch_body, host_named, post_batch, wrap
from tests.contract.spies import Spy
from tests.hosts import Host
from tests.hosts.clients import send


@bare_door
@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param("application/json", id="plain"),
        pytest.param("Application/JSON", id="in any case"),
        pytest.param("application/json; charset=utf-8", id="with its charset"),
        pytest.param("application/json;charset=utf-8", id="without a space"),
        pytest.param("application/json; CharSet=UTF-8", id="charset in any case"),
    ],
)
def test_c3_plain_json_is_taken(host: Host, content_type: str) -> None:
    answer = post_batch(wrap(host), host, [action()], content_type=content_type)
    assert answer.statuses == [200]


@bare_door
@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(None, id="none at all"),
        pytest.param("", id="empty"),
        pytest.param("text/plain", id="text"),
        pytest.param("text/plain; application/json", id="text that names JSON"),
        pytest.param("application/x-www-form-urlencoded", id="a form"),
        pytest.param("multipart/form-data; boundary=x", id="a form with files"),
        pytest.param("text/json", id="the old name of JSON"),
        pytest.param("application/vnd.api+json", id="JSON of another kind"),
        pytest.param("application/jsonx", id="a longer name"),
        pytest.param("application/json; charset=latin-1", id="another charset"),
        pytest.param("application/json; charset=utf-16", id="another Unicode charset"),
        pytest.param("application/json; charset=utf8", id="a charset that is almost it"),
        pytest.param("application/json; charset=", id="a charset without a value"),
        pytest.param("application/json; version=1", id="another parameter"),
        pytest.param("application/json; charset=utf-8; version=1", id="a second parameter"),
        pytest.param("application/json; charset=utf-8; charset=utf-8", id="its charset twice"),
        pytest.param("application/json, application/json", id="two of them in one field"),
        pytest.param("application/json, text/plain", id="another one behind it"),
        pytest.param("text/plain, application/json", id="another one before it"),
        pytest.param("*/*", id="a wildcard"),
    ],
)
def test_c3_any_other_type_is_415(host: Host, content_type: str | None) -> None:
    spy = Spy(host.door)
    answer = post_batch(wrap(spy), spy, [action()], content_type=content_type)
    assert answer.status == 415
    assert "application/json" in answer.message
    assert not spy.seen


@bare_door
@pytest.mark.parametrize("second", ["application/json", "text/plain"])
def test_c3_two_content_types_are_415(host: Host, second: str) -> None:
    answer = post_batch(wrap(host), host, [action()], headers=[("Content-Type", second)])
    assert answer.status == 415


@pytest.mark.parametrize(("named", "status"), [("application/json", 200), ("text/plain", 415), (None, 415)])
def test_c3_what_a_gateway_repeats_among_the_headers_does_not_count(named: str | None, status: int) -> None:
    """nginx gives uWSGI the body's type and length twice, as `CONTENT_TYPE` and as `HTTP_CONTENT_TYPE`."""
    host, body = host_named("wsgi"), batch_body([action()])
    repeated = {"HTTP_CONTENT_TYPE": "application/json", "HTTP_CONTENT_LENGTH": str(len(body))}
    headers = {} if named is None else {"content-type": named}
    sent = {"headers": headers, "body": body, "environ_extra": repeated, "lint": False}
    assert BatchAnswer(send(wrap(host), "wsgi", "POST", "/batch", **sent)).status == status


@bare_door
@pytest.mark.parametrize("coding", ["identity", "Identity"])
def test_c3_the_identity_encoding_is_none(host: Host, coding: str) -> None:
    assert post_batch(wrap(host), host, [action()], headers={"Content-Encoding": coding}).statuses == [200]


@bare_door
@pytest.mark.parametrize(
    "codings",
    [
        pytest.param(["gzip"], id="gzip"),
        pytest.param(["br"], id="br"),
        pytest.param(["x-unknown"], id="one that nobody knows"),
        pytest.param(["identity, gzip"], id="identity and gzip"),
        pytest.param(["gzip, identity"], id="gzip and identity"),
        pytest.param(["identity", "gzip"], id="in two fields"),
        pytest.param(["\xa0identity"], id="identity behind a space that is none in HTTP"),
        pytest.param(["XidentityX"], id="identity within a longer name"),
    ],
)
def test_c3_any_other_encoding_is_415(host: Host, codings: list[str]) -> None:
    spy = Spy(host.door)
    answer = post_batch(wrap(spy), spy, [action()], headers=[("Content-Encoding", coding) for coding in codings])
    assert answer.status == 415
    assert "Content-Encoding" in answer.message
    assert not spy.seen
