"""C26: a filter of the host's that raises spoils the line that is logged, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from batchware import BatchHooks, asgi, wsgi
from tests.contract.batching import action, post_batch
from tests.contract.small_apps import asgi_app, door, eventually, reply, started, wsgi_app


class Broken(BatchHooks):
    def around_action(self, action: Any, parent: Any) -> Any:
        raise KeyError("a hook")

    def on_batch(self, *_: Any) -> None:
        raise KeyError("a hook")


def rule(action: Any, parent: Any) -> None:
    if action.path == "/ruled":
        raise KeyError("a rule")


async def raises(scope: Any, receive: Any, send: Any) -> None:
    raise KeyError("a handler")


async def raises_late(scope: Any, receive: Any, send: Any) -> None:
    await reply(send)
    raise KeyError("a handler")


async def is_large(scope: Any, receive: Any, send: Any) -> None:
    await reply(send, b"x" * 2000)


async def is_fine(scope: Any, receive: Any, send: Any) -> None:
    await reply(send)


def call_raises(environ: Any, start_response: Any) -> Any:
    raise KeyError("a handler")


def call_raises_late(environ: Any, start_response: Any) -> Iterator[bytes]:
    yield from started(start_response)
    raise KeyError("a handler")


class RaisesInClose(list[bytes]):
    def close(self) -> None:
        raise KeyError("a clean-up")


APPS: dict[str, Any] = {
    "asgi": asgi_app({"/raises": raises, "/late": raises_late, "/large": is_large, "/fine": is_fine}),
    "wsgi": wsgi_app(
        {
            "/raises": call_raises,
            "/late": call_raises_late,
            "/large": lambda environ, start: started(start, b"x" * 2000),
            "/fine": lambda environ, start: RaisesInClose(started(start)),
        }
    ),
}
REPORT = "LookupError: a filter"
ACTIONS = {"/raises": 500, "/late": {"asgi": 200, "wsgi": 500}, "/large": 502, "/fine": 200, "/ruled": 500, "/..": 400}


@pytest.fixture
def filtered() -> Iterator[list[str]]:
    """The lines that met a filter which raises."""
    met: list[str] = []

    def refuse(record: logging.LogRecord) -> bool:
        met.append(record.msg)
        raise LookupError("a filter")

    logger = logging.getLogger("batchware")
    level = logger.level
    logger.addFilter(refuse)
    logger.setLevel(logging.DEBUG)
    yield met
    logger.removeFilter(refuse)
    logger.setLevel(level)


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
@pytest.mark.parametrize("reported", [True, False], ids=["reported", "in production"])
def test_c26_a_filter_that_raises_harms_no_action(
    kind: Any, reported: bool, filtered: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", reported)
    middleware: Any = asgi.BatchMiddleware if kind == "asgi" else wsgi.BatchMiddleware
    app = middleware(
        APPS[kind], hooks=[Broken()], deny=[rule], max_result_bytes=1000,
        max_actions=len(ACTIONS), max_pending=len(ACTIONS), action_timeout=20.0,
    )  # fmt: skip
    expected = [status[kind] if isinstance(status, dict) else status for status in ACTIONS.values()]
    for _ in range(3):  # each gives its places back
        assert post_batch(app, door(kind, app), [action(path) for path in ACTIONS]).statuses == expected
    told = ""

    def all_told() -> bool:  # a helper closes its response when the batch may have its answer
        nonlocal told
        told += capsys.readouterr().err
        said = " ".join(filtered)
        parts = "entered", "on_batch", "deny rule", "cut off", "close()" if kind == "wsgi" else "raised after"
        return all(part in said for part in parts) and told.count(REPORT) == (len(filtered) if reported else 0)

    assert eventually(all_told), (filtered, told)


def test_the_log_names_the_line_that_it_comes_from(caplog: pytest.LogCaptureFixture) -> None:
    app: Any = asgi.BatchMiddleware(APPS["asgi"])
    post_batch(app, door("asgi", app), [action("/raises")])
    (record,) = [record for record in caplog.records if record.name == "batchware"]
    assert (record.filename, record.funcName) == ("around.py", "log_failure")
