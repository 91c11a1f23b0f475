"""C13, C15: `data` and `options` of an action as query parameters of its child."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.contract.children import child, refusal
from tests.hosts import Host
from tests.hosts.clients import send

UNRESERVED = "ABCXYZabcxyz0189-._~"
RESERVED = "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}"
ESCAPED = "%21%22%23%24%25%26%27%28%29%2A%2B%2C%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D"


def _batch(method: str, data: str) -> bytes:
    """A batch of one action whose data is this JSON, as it is."""
    return b'{"data": {"actions": [{"method": "%b", "relative_path": "/x", "data": %b}]}}' % (
        method.encode(),
        data.encode(),
    )


@bare_door
@pytest.mark.parametrize("method", ["get", "head", "delete"])
@pytest.mark.parametrize(
    ("data", "query"),
    [
        pytest.param('{"a": "x"}', "a=x", id="a string"),
        pytest.param('{"a": ""}', "a=", id="an empty string"),
        pytest.param('{"a": "true", "b": "null"}', "a=true&b=null", id="strings that look like others"),
        pytest.param('{"a": "x y"}', "a=x%20y", id="a space"),
        pytest.param(json.dumps({"a": UNRESERVED}), f"a={UNRESERVED}", id="unreserved characters"),
        pytest.param(json.dumps({"a": RESERVED}), f"a={ESCAPED}", id="all other ASCII characters"),
        pytest.param('{"a": "é日\\ud83d\\ude00"}', "a=%C3%A9%E6%97%A5%F0%9F%98%80", id="Unicode"),
        pytest.param('{"a": "\\u0000\\r\\n"}', "a=%00%0D%0A", id="control characters"),
        pytest.param('{"a b": 1, "c=d": 2, "é": 3, "": 4}', "a%20b=1&c%3Dd=2&%C3%A9=3&=4", id="names"),
        pytest.param('{"a": 1, "b": -2, "c": 0}', "a=1&b=-2&c=0", id="integers"),
        pytest.param('{"a": 1.0, "b": 0.10, "c": -0}', "a=1.0&b=0.10&c=-0", id="numbers as they are spelled"),
        pytest.param('{"a": 1e3, "b": 1E+2, "c": 1e-400}', "a=1e3&b=1E%2B2&c=1e-400", id="with exponents"),
        pytest.param('{"a": 123456789012345678901234567890}', "a=123456789012345678901234567890", id="a big integer"),
        pytest.param('{"a": true, "b": false}', "a=true&b=false", id="booleans"),
        pytest.param('{"a": null, "b": 1, "c": null}', "b=1", id="null"),
        pytest.param('{"a": null}', "", id="nothing but null"),
        pytest.param('{"a": ["x", "y z"]}', "a=x%2Cy%20z", id="a list"),
        pytest.param('{"a": [1, 2.50, true, false, "x"]}', "a=1%2C2.50%2Ctrue%2Cfalse%2Cx", id="a mixed list"),
        pytest.param('{"a": ["x"]}', "a=x", id="a list of one"),
        pytest.param('{"a": ["", ""]}', "a=%2C", id="a list of nothing twice"),
        pytest.param('{"a": []}', "a=", id="an empty list"),
        pytest.param('{"z": 1, "a": 2, "m": 3}', "z=1&a=2&m=3", id="in the order of the batch"),
        pytest.param('{"a": 1, "b": 2, "a": 3}', "a=3&b=2", id="a name twice"),
        pytest.param("{}", "", id="an empty object"),
        pytest.param("null", "", id="no data"),
    ],
)
def test_c13_data_becomes_query_parameters(host: Host, method: str, data: str, query: str) -> None:
    seen = child(host, body=_batch(method, data))
    assert seen.query == query
    assert seen.body == b""
    assert seen.header("content-type") is None
    assert seen.header("content-length") in {None, "0"}


@bare_door
@pytest.mark.parametrize("method", ["get", "head", "delete"])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param('{"a": {"b": 1}}', id="an object inside"),
        pytest.param('{"a": {}}', id="an empty object inside"),
        pytest.param('{"a": ["x,y", "z"]}', id="an item that holds a comma"),
        pytest.param('{"a": ["x", "\\u002c"]}', id="an item that holds an escaped comma"),
        pytest.param('{"a": [null]}', id="an item that is null"),
        pytest.param('{"a": [1, [2]]}', id="a list in a list"),
        pytest.param('{"a": [{"b": 1}]}', id="an object in a list"),
        pytest.param("[1]", id="a list"),
        pytest.param('"a=1"', id="a string"),
        pytest.param("1", id="a number"),
        pytest.param("true", id="a boolean"),
    ],
)
def test_c13_what_is_no_query_parameter_is_400(host: Host, method: str, data: str) -> None:
    assert refusal(host, body=_batch(method, data)).startswith("actions[0].data")


@bare_door
def test_c13_the_names_of_two_members_are_never_mixed_up(host: Host) -> None:
    assert child(host, body=_batch("get", '{"a&b=1": "2&c=3"}')).query == "a%26b%3D1=2%26c%3D3"


@bare_door
@pytest.mark.parametrize(
    ("data", "query"),
    [
        pytest.param('{"a": ["x", "y"], "b": 1}', "a=x&a=y&b=1", id="the key is repeated"),
        pytest.param('{"a": ["x,y", 1, true]}', "a=x%2Cy&a=1&a=true", id="and a comma is no trouble"),
        pytest.param('{"a": 1, "b": [2, 3], "c": [4]}', "a=1&b=2&b=3&c=4", id="behind others"),
    ],
)
def test_c13_query_lists_can_be_repeated(host: Host, data: str, query: str) -> None:
    assert child(host, body=_batch("get", data), options={"query_lists": "repeat"}).query == query


@bare_door
@pytest.mark.parametrize("data", ['{"a": {"b": 1}}', '{"a": [{"b": 1}]}'])
def test_c13_an_object_is_400_in_repeated_lists_too(host: Host, data: str) -> None:
    assert "data" in refusal(host, body=_batch("get", data), options={"query_lists": "repeat"})


@bare_door
def test_c13_delete_data_can_be_a_body(host: Host) -> None:
    options = {"delete_data": "body"}
    seen = child(host, body=_batch("delete", '{"a": [ {} ]}'), options=options)
    assert (seen.query, seen.body) == ("", b'{"data":{"a": [ {} ]}}')
    assert (seen.header("content-type"), seen.header("content-length")) == ("application/json", str(len(seen.body)))
    for method in ("get", "head"):
        assert child(host, body=_batch(method, '{"a": 1}'), options=options).query == "a=1"
    empty = child(host, action("/x", "delete"), options=options)
    assert (empty.query, empty.body, empty.header("content-type")) == ("", b"", None)


@every_host
@pytest.mark.parametrize("method", ["get", "delete"])
def test_c13_a_handler_reads_the_parameters(host: Host, method: str) -> None:
    data = {"a": "x y&z", "é": "日", "n": 1.5, "l": ["p", "q"], "e": "", "t": True}
    batched = post_batch(wrap(host), host, [action("/echo/x", method, data=data)]).result["body"]
    target = "/echo/x?a=x%20y%26z&%C3%A9=%E6%97%A5&n=1.5&l=p%2Cq&e=&t=true"
    direct = send(host.shared(), host.door, method.upper(), target).json()
    assert batched["query"] == direct["query"]
    assert ["l", "p,q"] in batched["query"]


# --- options


@bare_door
@pytest.mark.parametrize("method", ["get", "head", "delete", "post", "put", "patch"])
@pytest.mark.parametrize(
    ("options", "query"),
    [
        pytest.param({"fields": ["name", "notes"]}, ["opt_fields=name%2Cnotes"], id="fields as a list"),
        pytest.param({"fields": "name,notes"}, ["opt_fields=name%2Cnotes"], id="fields as a string"),
        pytest.param({"fields": ["assignee.name"]}, ["opt_fields=assignee.name"], id="a field below another"),
        pytest.param({"expand": ["a", "b"]}, ["opt_expand=a%2Cb"], id="expand as a list"),
        pytest.param({"expand": "(subtasks)+"}, ["opt_expand=%28subtasks%29%2B"], id="expand as a string"),
        pytest.param({"limit": 10}, ["limit=10"], id="limit"),
        pytest.param({"offset": "eyJ0+/="}, ["offset=eyJ0%2B%2F%3D"], id="offset"),
        pytest.param(
            {"limit": 1, "fields": ["x"], "offset": "o", "expand": "y"},
            ["limit=1", "offset=o", "opt_expand=y", "opt_fields=x"],
            id="all four",
        ),
        pytest.param(
            {"fields": None, "limit": 1, "offset": None, "expand": "y"},
            ["limit=1", "opt_expand=y"],
            id="null among others",
        ),
        pytest.param({"limit": None}, [""], id="nothing but null"),
        pytest.param({}, [""], id="none"),
        pytest.param(None, [""], id="no options"),
    ],
)
def test_c15_options_become_query_parameters_of_every_method(
    host: Host, method: str, options: dict[str, Any] | None, query: list[str]
) -> None:
    seen = child(host, action("/x", method, options=options))
    assert sorted(seen.query.split("&")) == query
    assert seen.body == b""


@bare_door
def test_c15_options_come_after_data(host: Host) -> None:
    data = {"opt_x": 1, "z": 2}
    assert child(host, action("/x", options={"limit": 5}, data=data)).query == "opt_x=1&z=2&limit=5"
    posted = child(host, action("/x", "post", options={"limit": 5}, data=data))
    assert (posted.query, json.loads(posted.body)) == ("limit=5", {"data": data})


@bare_door
@pytest.mark.parametrize(
    ("data", "options"),
    [
        ({"opt_fields": "a"}, {"fields": ["b"]}),
        ({"opt_expand": "a"}, {"expand": "b"}),
        ({"limit": 1}, {"limit": 1}),
        ({"a": 1, "offset": "x"}, {"limit": 1, "offset": "y"}),
    ],
    ids=["fields", "expand", "limit", "offset"],
)
def test_c15_the_same_name_in_both_is_400(host: Host, data: Any, options: Any) -> None:
    assert "options" in refusal(host, action("/x", data=data, options=options))
    # The data of a post is no query.
    assert child(host, action("/x", "post", data=data, options=options)).query


@bare_door
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"pretty": "true"}, id="another option of the API"),
        pytest.param({"opt_fields": "name"}, id="the name of the parameter"),
        pytest.param({"Fields": "name"}, id="another case"),
        pytest.param({"fields": 1}, id="fields is a number"),
        pytest.param({"fields": {"name": True}}, id="fields is an object"),
        pytest.param({"fields": [1]}, id="a field is a number"),
        pytest.param({"expand": [["a"]]}, id="a list in expand"),
        pytest.param({"limit": [1]}, id="limit is a list"),
        pytest.param({"offset": {}}, id="offset is an object"),
        pytest.param([], id="a list"),
        pytest.param("fields=name", id="a string"),
        pytest.param(1, id="a number"),
    ],
)
def test_c15_any_other_option_is_400(host: Host, options: Any) -> None:
    for method in ("get", "post"):
        assert refusal(host, action("/x", method, options=options)).startswith("actions[0].options")


@bare_door
@pytest.mark.parametrize("options", [{}, {"limit": 1}, {"fields": ["a"]}], ids=["empty", "limit", "fields"])
def test_c15_without_action_options_they_are_400(host: Host, options: Any) -> None:
    for method in ("get", "post"):
        entry = action("/x", method, options=options)
        assert "options" in refusal(host, entry, options={"action_options": None})


@every_host
def test_c15_a_handler_reads_the_options(host: Host) -> None:
    for method in ("get", "post"):
        act = action("/echo/x", method, data={"q": 1}, options={"fields": ["a", "b.c"], "limit": 3})
        query = post_batch(wrap(host), host, [act]).result["body"]["query"]
        assert query == ([["q", "1"]] if method == "get" else []) + [["opt_fields", "a,b.c"], ["limit", "3"]]
