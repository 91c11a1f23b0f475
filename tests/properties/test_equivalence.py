"""C0, batched equals direct: any action gives what its own request gives, on every host, in any company.

A generated batch is posted, and each of its actions is sent to the bare host as the request that the contract says it
stands for. What the host shows of the one and of the other must be the same, and so must what it answers.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.batching import every_host, post_batch, wrap
from tests.hosts import ASGI_HOSTS, Host, deviations, probe
from tests.hosts.clients import Response, send
from tests.properties import actions, responses
from tests.properties.actions import Written
from tests.properties.json_texts import OBJECTS
from tests.properties.results import check_result, expected_cookies, split_answer

PER_HOST = settings().max_examples // 2  # there are thirteen
BASES = st.sampled_from([("/batch", ""), ("/api/1.0/batch", "/api/1.0")])
MOUNTS = st.sampled_from(["", "", "/mnt"])
_APPS: dict[tuple[str, str], Any] = {}


def batched(host: Host, path: str) -> Any:
    """The host with a batch route at `path`, made once."""
    key = (host.id, path)
    if key not in _APPS:
        _APPS[key] = wrap(host, path=path, action_timeout=None)
    return _APPS[key]


def directly(host: Host, action: Written, index: int, headers: actions.Pairs, base: str, mount: str) -> Response:
    sent = actions.sent_directly(headers, action, index, host.door)
    target = base + action.target
    return send(host.shared(), host.door, action.method, target, headers=sent, body=action.body or b"", root_path=mount)


def faults(host: Host) -> list[str]:
    """The routes that fail in some way, or are none; `/exit` only where it would leave the server alive."""
    routes = ["/raise", "/nothing", "/half", "/nowhere", "/tasks/1", "/state", "/teams", "/tasks/", "/"]
    return routes if host.id in deviations.EXIT_LEAVES_LOOP else [*routes, "/exit"]


def _any_action(host: Host) -> st.SearchStrategy[Written]:
    plain = st.builds(actions.plain, st.sampled_from(["GET", "DELETE", "HEAD"]), st.sampled_from(faults(host)))
    return st.one_of(actions.echoed(), responses.responding(), plain)


@every_host
@settings(max_examples=PER_HOST)
@given(data=st.data())
def test_c0_batched_equals_direct(host: Host, data: st.DataObject) -> None:
    batch = data.draw(st.lists(_any_action(host), min_size=1, max_size=5))
    headers = data.draw(actions.PARENT_HEADERS)
    (path, base), mount = data.draw(BASES), data.draw(MOUNTS)
    probe.reset()
    answer = post_batch(
        batched(host, path), host, body=actions.batch_of(batch), headers=headers, path=path, root_path=mount
    )
    assert answer.status == 200, answer.body
    results, raw = split_answer(answer.body)
    assert len(results) == len(batch)
    direct = [directly(host, action, index, headers, base, mount) for index, action in enumerate(batch)]
    for action, result, written, response in zip(batch, results, raw, direct, strict=True):
        if action.target.startswith("/echo") and action.method != "HEAD" and response.status == 200:
            assert result["status_code"] == response.status
            assert result["body"] == response.json()
        elif action.target == "/state" and response.status == 200:
            # Nothing that one action does reaches another. (What else it shows is the frame, which has the mark.)
            assert result["status_code"] == 200
            if action.method != "HEAD":
                assert [result["body"][place] for place in ("context", "request", "frame")] == [None] * 3
        else:
            check_result(result, written, response, action.method)
    paths = [mount + base + action.target.partition("?")[0] for action in batch]
    pairs = [(path, response) for path, response in zip(paths, direct, strict=True)]
    assert [value.strip() for value in answer.all("set-cookie")] == expected_cookies(pairs)


@every_host
@settings(max_examples=PER_HOST // 2)
@given(data=st.data())
def test_c14_body_arrives_byte_for_byte(host: Host, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(["POST", "PUT", "PATCH"]))
    texts = data.draw(st.lists(OBJECTS, min_size=1, max_size=4))
    entries = [Written(f'{{"data":{text},"method":"{method}","relative_path":"/echo"}}', method, "") for text in texts]
    answer = post_batch(batched(host, "/batch"), host, body=actions.batch_of(entries))
    for text, result in zip(texts, answer.results, strict=True):
        shown = result["body"]
        assert base64.b64decode(shown["body"]) == b'{"data":' + text.encode() + b"}"
        assert shown["headers"]["content-type"] == "application/json"
        assert shown["headers"]["content-length"] == str(len(text.encode()) + 9)


@every_host
@settings(max_examples=PER_HOST // 2)
@given(numbers=st.lists(st.integers(0, 99), min_size=1, max_size=10))
def test_c19_results_stand_in_the_order_of_the_actions(host: Host, numbers: list[int]) -> None:
    entries = [actions.plain("GET", f"/users/{number}") for number in numbers]
    answer = post_batch(batched(host, "/batch"), host, body=actions.batch_of(entries))
    assert [result["body"]["id"] for result in answer.results] == [str(number) for number in numbers]


@pytest.mark.parametrize("host", [pytest.param(host, id=host.id) for host in ASGI_HOSTS])
@settings(max_examples=PER_HOST // 2)
@given(data=st.data())
def test_c12_host_sees_the_path_that_was_checked(host: Host, data: st.DataObject) -> None:
    path, written = data.draw(actions.paths_as_written("/echo"))
    frames: list[dict[str, Any]] = []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        if "batchware" in scope:
            frames.append(dict(scope))
        await host.shared()(scope, receive, send)

    entry = Written(json.dumps({"method": "get", "relative_path": written}), "GET", "")
    post_batch(wrap(host, watched, path="/api/1.0/batch"), host, body=actions.batch_of([entry]), path="/api/1.0/batch")
    (frame,) = frames
    assert frame["path"] == "/api/1.0" + path
    assert frame["raw_path"] == quote("/api/1.0" + path, safe=actions.SAFE).encode()
