"""One action, and what becomes of it before a host sees it: its child request, or why it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.contract.batching import post_batch, wrap
from tests.contract.spies import Seen, Spy
from tests.hosts import Host

__all__ = ["child", "children", "refusal"]


def children(host: Host, actions: list[Any], *, options: Mapping[str, Any] | None = None, **sent: Any) -> list[Seen]:
    """The child requests of a batch that was answered and refused none of them, in the order of the actions.

    `options` are those of the middleware, `sent` those of `post_batch`. Actions that are told apart need paths that
    are.
    """
    spy = Spy(host.door)
    answer = post_batch(wrap(spy, **options or {}), spy, actions, **sent)
    assert {result["status_code"] for result in answer.results} == {200}, answer.results
    # A cross-origin batch asks the host for its headers too, with a request that is no action.
    seen = [child for child in spy.seen if not child.path.endswith("/batch")]
    paths = [entry["relative_path"] for entry in actions if isinstance(entry, dict)]
    return sorted(seen, key=lambda child: next((i for i, path in enumerate(paths) if child.path.endswith(path)), 0))


def child(host: Host, action: Any = None, *, options: Mapping[str, Any] | None = None, **sent: Any) -> Seen:
    """The child request of a batch of one action, or of a batch that is sent as `body`."""
    (seen,) = children(host, [] if action is None else [action], options=options, **sent)
    return seen


def refusal(host: Host, action: Any = None, *, options: Mapping[str, Any] | None = None, **sent: Any) -> str:
    """Why the only action of a batch is refused: the message of its 400. The host has seen nothing."""
    spy = Spy(host.door)
    answer = post_batch(wrap(spy, **options or {}), spy, [] if action is None else [action], **sent)
    assert not spy.seen
    assert len(answer.results) == 1
    return answer.refusal()
