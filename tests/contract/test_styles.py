"""The styles: what `style="plain"` sets, for hosts without Asana's conventions, and that single options override it."""

from __future__ import annotations

import pytest

from batchware import BatchConfig
from tests.contract.batching import action, bare_door, post_batch, wrap
from tests.contract.spies import Spy
from tests.hosts import Host


@bare_door
def test_the_plain_style_has_no_envelopes_no_options_no_list_of_its_own_and_repeats_keys(host: Host) -> None:
    spy = Spy(host.door)
    actions = [
        action("/a", data={"k": ["x", "y"]}),
        action("/b", "post", data=[1, 2]),
        action("/scim/v2/Users"),
        action("/c", options={"limit": 1}),
        action("/batch", "post"),
    ]
    answer = post_batch(wrap(spy, style="plain"), spy, actions, envelope=None)
    assert list(answer.json) == ["results"]
    assert answer.statuses == [200, 200, 200, 400, 400]
    seen = spy.by_path()
    assert seen["/a"].query == "k=x&k=y"
    assert seen["/b"].body == b"[1, 2]"
    assert set(seen) == {"/a", "/b", "/scim/v2/Users"}


@bare_door
def test_the_asana_style_is_the_default(host: Host) -> None:
    actions = [action("/tasks/1", data={"k": ["x"]}, options={"limit": 1}), action("/scim/v2/Users")]
    answers = [post_batch(wrap(host, **options), host, actions) for options in ({}, {"style": "asana"})]
    assert answers[0].body == answers[1].body
    assert answers[0].statuses == [200, 400]


@bare_door
def test_single_options_override_the_style(host: Host) -> None:
    spy = Spy(host.door)
    options = {"envelope": "data", "body_envelope": "payload", "query_lists": "comma", "deny": ["/b/**"]}
    app = wrap(spy, style="plain", action_options="asana", **options)
    actions = [action("/a", "post", data={}, options={"fields": ["x", "y"]}), action("/b/c")]
    answer = post_batch(app, spy, actions)
    assert list(answer.json) == ["data"]
    assert answer.statuses == [200, 400]
    assert (spy.seen[0].body, spy.seen[0].query) == (b'{"payload":{}}', "opt_fields=x%2Cy")


def test_there_are_two_styles() -> None:
    with pytest.raises(ValueError, match="style must be one of 'asana', 'plain'"):
        BatchConfig(style="fancy")
