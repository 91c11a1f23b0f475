"""C7: the parent's query string may ask for another layout of the answer, and has no other use."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from tests.contract.batching import action, bare_door, post_batch, wrap
from tests.contract.children import child
from tests.contract.small_apps import respond
from tests.hosts import Host
from tests.hosts.probe import encode_spec

# JSON that no encoder would write so.
ODD = '{ "b":1.50,\n\n "a" :[ ] }'


def _odd() -> dict[str, object]:
    body = b64encode(ODD.encode()).decode()
    spec = encode_spec({"headers": [["content-type", "application/json"]], "body": body})
    return action("/respond", data={"spec": spec})


@bare_door
@pytest.mark.parametrize(
    "query",
    ["opt_pretty=true", "opt_pretty=True", "opt_pretty=1", "opt_pretty=", "opt_pretty", "limit=100&opt_pretty=true"],
)
@pytest.mark.parametrize("envelope", ["data", None], ids=["in data", "without envelope"])
def test_c7_opt_pretty_indents_the_envelope(host: Host, envelope: str | None, query: str) -> None:
    app = wrap(host, envelope=envelope)
    plain = post_batch(app, host, [_odd(), action("/nowhere")], envelope=envelope)
    pretty = post_batch(app, host, [_odd(), action("/nowhere")], envelope=envelope, query=query)
    assert pretty.json == plain.json
    assert b"\n" not in plain.body.replace(ODD.encode(), b"")
    within = pretty.body.decode().replace(ODD, "null").strip().splitlines()[1:-1]
    assert len(within) > 6
    assert all(line.startswith("  ") for line in within)
    assert pretty.header("content-length") == str(len(pretty.body))


_LINES = """{
  "data": [
    {
      "status_code": 200,
      "headers": {
        "etag": "7",
        "x-one": "1"
      },
      "body": { "b":1.50,

 "a" :[ ] }
    },
    {
      "status_code": 200,
      "headers": {},
      "body": {}
    }
  ]
}
"""
_TWO_MEMBERS = _LINES.replace('      "status_code": 200,\n', "")
_PLAIN = (
    '{"data":[{"status_code":200,"headers":{"etag":"7","x-one":"1"},"body":' + ODD + "},"
    '{"status_code":200,"headers":{},"body":{}}]}'
)


@bare_door
@pytest.mark.parametrize(
    ("query", "written"),
    [
        pytest.param("", _PLAIN, id="nothing"),
        pytest.param("opt_pretty=false", _PLAIN, id="nothing, in so many words"),
        pytest.param("opt_pretty", _LINES, id="lines"),
        pytest.param("opt_pretty&opt_fields=body,headers", _TWO_MEMBERS, id="lines and two members"),
        pytest.param(
            "opt_fields=body,headers",
            '{"data":[{"headers":{"etag":"7","x-one":"1"},"body":' + ODD + '},{"headers":{},"body":{}}]}',
            id="two members",
        ),
        pytest.param("opt_fields=status_code", '{"data":[{"status_code":200},{"status_code":200}]}', id="one member"),
    ],
)
def test_c7_the_layout_of_an_answer_is_this_to_the_byte(host: Host, query: str, written: str) -> None:
    fields = [("Content-Type", "application/json"), ("ETag", "7"), ("X-One", "1")]
    spec = encode_spec({"headers": fields, "body": b64encode(ODD.encode()).decode()})
    actions = [action("/respond", data={"spec": spec}), respond(b"{}", fields[0])]
    assert post_batch(wrap(host), host, actions, query=query).body.decode() == written


@bare_door
def test_c7_embedded_bodies_keep_their_bytes(host: Host) -> None:
    answer = post_batch(wrap(host), host, [_odd()], query="opt_pretty=true")
    assert ODD.encode() in answer.body


@bare_door
@pytest.mark.parametrize(
    "query", ["opt_pretty=false", "opt_pretty=0", "opt_pretty=TRUE", "opt_pretty=yes", "opt_prettyx=true", "pretty=1"]
)
def test_c7_no_other_value_is_pretty(host: Host, query: str) -> None:
    app = wrap(host)
    assert b"\n" not in post_batch(app, host, [action()], query=query).body


@bare_door
@pytest.mark.parametrize(
    ("query", "members"),
    [
        pytest.param("opt_fields=status_code", ["status_code"], id="the status only"),
        pytest.param("opt_fields=headers", ["headers"], id="the headers only"),
        pytest.param("opt_fields=body", ["body"], id="the body only"),
        pytest.param("opt_fields=status_code,body", ["status_code", "body"], id="two of them"),
        pytest.param("opt_fields=status_code%2Cbody", ["status_code", "body"], id="an encoded comma"),
        pytest.param("opt_fields=body,nonsense,gid", ["body"], id="unknown names are ignored"),
        pytest.param("opt_fields=status_codes,body", ["body"], id="and not taken for known ones"),
        pytest.param("opt_fields=status_code,headers,body", ["status_code", "headers", "body"], id="all"),
        pytest.param("limit=100", ["status_code", "headers", "body"], id="not asked for"),
        pytest.param("opt_pretty=1&opt_fields=body", ["body"], id="in a pretty answer"),
    ],
)
def test_c7_opt_fields_keeps_only_the_members_that_it_names(host: Host, query: str, members: list[str]) -> None:
    answer = post_batch(wrap(host), host, [action(), action("refused")], query=query)
    whole = post_batch(wrap(host), host, [action(), action("refused")])
    assert answer.results == [{name: result[name] for name in members} for result in whole.results]


@bare_door
@pytest.mark.parametrize(
    "query",
    [
        pytest.param("limit=100", id="limit"),
        pytest.param("opt_expand=x&opt_field=body", id="options of the API"),
        pytest.param("actions=1&data=2&method=delete&relative_path=/tasks/2", id="names of the batch"),
        pytest.param("%%%&&=&opt_&a=%ff", id="what is no query"),
    ],
)
def test_c7_all_other_parameters_are_ignored(host: Host, query: str) -> None:
    app = wrap(host)
    assert post_batch(app, host, [action()], query=query).body == post_batch(app, host, [action()]).body


@bare_door
def test_c7_no_action_inherits_them(host: Host) -> None:
    seen = child(host, action("/x", data={"own": "1"}), query="opt_pretty=1&opt_fields=status_code,body&limit=100&x=y")
    assert seen.query == "own=1"
    assert "limit" not in json.dumps(seen.headers)
