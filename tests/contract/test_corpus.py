"""The corpus of batches that try to get past the checks, on every framework (tests/data/README.md).

Each framework reads some of these paths in a way of its own, so what one refuses by itself another would have run. The
host of the header cases obeys every header that could change a request (`obedience`).
"""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.contract.batching import BatchAnswer, post_batch, wrap
from tests.contract.obedience import obedient_asgi, obedient_wsgi
from tests.hosts import HOSTS, Host, deviations, params, probe

FRAMEWORKS = [host for host in HOSTS if host.id not in ("asgi", "wsgi")]
CORPUS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "bypass.jsonl").read_text(encoding="utf-8").splitlines()
]
FIRST = {"relative_path": "/tasks/1", "method": "GET"}
LAST = {"relative_path": "/users/2", "method": "GET"}
DENIED = {"/batch", "/organization_exports", "/organization_exports/{id}", "/scim/v2/Users", "/scim/v2/Users/{id}"}
UPLOADS = {"/attachments", "/tasks/{id}/attachments"}

every_framework = pytest.mark.parametrize("host", params(*FRAMEWORKS))


def cases(category: str) -> pytest.MarkDecorator:
    chosen = [pytest.param(case, id=case["id"]) for case in CORPUS if case["category"] == category]
    return pytest.mark.parametrize("case", chosen)


@cache
def batched(host: Host) -> Any:
    return wrap(host)


@cache
def batched_and_obedient(host: Host) -> Any:
    return wrap(host, (obedient_asgi if host.door == "asgi" else obedient_wsgi)(host.shared()))


def body_of(case: dict[str, Any]) -> bytes:
    if "action" in case:
        return json.dumps({"data": {"actions": [FIRST, case["action"], LAST]}}).encode()
    if "body_parts" in case:
        return "".join(text * times for text, times in case["body_parts"]).encode()
    return base64.b64decode(case["body_b64"]) if "body_b64" in case else case["body"].encode()


def ran_a_denied_handler() -> bool:
    return any(template in DENIED or (template in UPLOADS and method == "POST") for template, method, _ in probe.seen)


def check(host: Host, app: Any, case: dict[str, Any]) -> None:
    """That the answer to `case` is the one that it expects."""
    answer = post_batch(
        app,
        host,
        body=body_of(case),
        content_type=case.get("content_type", "application/json"),
        headers=case.get("headers", ()),
    )
    assert not ran_a_denied_handler(), probe.seen
    assert answer.status < 500
    expect = case["expect"]
    if expect.startswith("whole_"):
        assert answer.status == int(expect[-3:])
        assert answer.message
        assert probe.seen == []
    elif answer.status != 200:
        assert expect == "never_reaches_denied"
        assert answer.status == 400
        assert probe.seen == []
    else:
        check_results(host, answer, case)


def check_results(host: Host, answer: BatchAnswer, case: dict[str, Any]) -> None:
    statuses = answer.statuses
    if "action" in case:
        first, _, last = answer.results
        assert (first["status_code"], first["body"]["id"]) == (200, "1")
        assert (last["status_code"], last["body"]["id"]) == (200, "2")
        refused = {1} if case["expect"] == "result_400" else set()
        judged = [1]
    else:
        actions = json.loads(body_of(case), parse_int=str)["data"]["actions"]  # one has a number of 5,000 digits
        assert len(statuses) == len(actions)
        refused = set(case.get("refused", range(len(actions)) if case["expect"] == "result_400" else ()))
        judged = list(range(len(actions)))
    for index in judged:
        if index in refused:
            assert answer.refusal(index).startswith(f"actions[{index}]")
        elif case["expect"] == "never_reaches_denied":
            assert statuses[index] < 500
        else:
            check_routed(host, answer.results[index], case)


def check_routed(host: Host, result: dict[str, Any], case: dict[str, Any]) -> None:
    """That an action ran in its own handler, which says so; of a HEAD only its status can be seen."""
    if case.get("action", {}).get("method", "").upper() == "HEAD":
        assert result["status_code"] == (405 if host.id in deviations.NO_HEAD else 200)
        return
    assert result["status_code"] == 200
    assert set(result["body"]) == {"handler", "method", "id"}


@every_framework
@cases("path-bypass")
def test_c11_c12_c31_c32_corpus_of_paths(host: Host, case: dict[str, Any]) -> None:
    check(host, batched(host), case)


@every_framework
@cases("unicode")
def test_c4_c11_c32_corpus_of_unicode(host: Host, case: dict[str, Any]) -> None:
    check(host, batched(host), case)


@every_framework
@cases("method")
def test_c10_c31_corpus_of_methods(host: Host, case: dict[str, Any]) -> None:
    check(host, batched(host), case)


@every_framework
@cases("header")
def test_c3_c16_corpus_of_headers(host: Host, case: dict[str, Any]) -> None:
    check(host, batched_and_obedient(host), case)


@every_framework
@cases("envelope")
def test_c5_c6_c9_corpus_of_envelopes(host: Host, case: dict[str, Any]) -> None:
    check(host, batched(host), case)


@every_framework
@cases("json")
def test_c4_corpus_of_json(host: Host, case: dict[str, Any]) -> None:
    check(host, batched(host), case)


def test_the_corpus_is_whole() -> None:
    assert len(CORPUS) == 443
    assert len({case["id"] for case in CORPUS}) == 443
    assert {case["category"] for case in CORPUS} == {"path-bypass", "method", "header", "envelope", "json", "unicode"}


@pytest.mark.parametrize("host", params(*(host for host in FRAMEWORKS if host.id in ("starlette", "flask"))))
@pytest.mark.parametrize(
    ("name", "value"),
    [("accept", "application/json"), ("x-thing", "/batch")],
)
def test_c16_obedience_leaves_other_headers_alone(host: Host, name: str, value: str) -> None:
    answer = post_batch(batched_and_obedient(host), host, [FIRST], headers=[(name, value)])
    assert answer.result["body"] == {"handler": "/tasks/{id}", "method": "GET", "id": "1"}
