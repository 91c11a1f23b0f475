"""C26 on WSGI: `start_response`, `write()` and the iterable, used in every way that PEP 3333 has and has not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.small_apps import Closing
from tests.faults.play import FAILED, play, text
from tests.hosts.probe import SECRET

PLAIN = [("Content-Type", "text/plain")]
NO_BODY = {"status_code": 200, "headers": {"content-type": "text/plain"}, "body": None}


def _answers(body: Any = (b"b",), status: Any = "200 OK", headers: Any = PLAIN) -> Callable[[Any, Any], Any]:
    def handler(environ: Any, start_response: Any) -> Any:
        start_response(status, headers)
        return body

    return handler


def _exc_info() -> Any:
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        return sys.exc_info()


# --- start_response


def _twice(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", PLAIN)
    start_response("200 OK", PLAIN)
    return [b"b"]


def _twice_with_none(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", PLAIN)
    start_response("200 OK", PLAIN, None)
    return [b"b"]


def _again_with_exc_info(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [("X-Old", "1")])
    start_response("503 Oh", PLAIN, _exc_info())
    return [b"b"]


def _again_after_an_empty_piece(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [("X-Old", "1")])
    yield b""
    start_response("503 Oh", PLAIN, _exc_info())
    yield b"b"


def _again_after_a_piece(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", PLAIN)
    yield b"a"
    start_response("503 Oh", PLAIN, _exc_info())
    yield b"b"


def _again_after_a_write(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", PLAIN)(b"a")
    start_response("503 Oh", PLAIN, _exc_info())
    return [b"b"]


def _first_with_exc_info(environ: Any, start_response: Any) -> Any:
    start_response("503 Oh", PLAIN, _exc_info())
    return [b"b"]


def _bad_then_good(environ: Any, start_response: Any) -> Any:
    try:
        start_response("99 Low", PLAIN)
    except Exception:  # noqa: BLE001  # whatever it raises
        start_response("503 Oh", PLAIN)
    return [b"b"]


def _by_name(environ: Any, start_response: Any) -> Any:
    start_response(status="200 OK", headers=PLAIN)
    return [b"b"]


def _no_arguments(environ: Any, start_response: Any) -> Any:
    start_response()
    return [b"b"]


def _after_the_end(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", PLAIN)
    return Closing([b"b"], lambda: start_response("503 Oh", [], _exc_info()))


def _anew_for_the_next(environ: Any, start_response: Any) -> Any:
    headers = list(PLAIN)
    start_response("200 OK", headers)
    headers.append(("X-A", "1"))
    return [b"b"]


@pytest.mark.parametrize(
    ("handler", "result"),
    [
        pytest.param(_twice, FAILED, id="twice"),
        pytest.param(_twice_with_none, FAILED, id="twice, with None for exc_info"),
        pytest.param(_again_with_exc_info, text("b", 503), id="again with exc_info"),
        pytest.param(_again_after_an_empty_piece, text("b", 503), id="again with exc_info after an empty piece"),
        pytest.param(_again_after_a_piece, FAILED, id="again with exc_info after a piece"),
        pytest.param(_again_after_a_write, FAILED, id="again with exc_info after write()"),
        pytest.param(_first_with_exc_info, text("b", 503), id="the first time with exc_info"),
        pytest.param(_bad_then_good, text("b", 503), id="again where the first was refused"),
        pytest.param(_by_name, text("b"), id="arguments by name"),
        pytest.param(_no_arguments, FAILED, id="no arguments"),
        pytest.param(_after_the_end, text("b"), id="again in close()"),
        pytest.param(_anew_for_the_next, text("b"), id="its headers changed afterwards"),
    ],
)
def test_c26_start_response(handler: Any, result: dict[str, Any]) -> None:
    assert play("wsgi", handler) == result


@pytest.mark.parametrize(
    "status",
    ["99 Low", "099 Low", "000 Zero", "1000 High", "100 Continue", "103 Early Hints", "20 Short", "-200 OK", "2000", "",
     " 200 OK", "OK", "200OK", "abc def", "2.0 x", "\u0662\u0660\u0660 OK", 200, None, b"200 OK", True],
    ids=repr,
)  # fmt: skip
def test_c26_no_final_status_on_wsgi(status: Any) -> None:
    assert play("wsgi", _answers(status=status)) == FAILED


@pytest.mark.parametrize("status", ["200 OK", "299", "418 I'm a teapot", "599 ", "999 x y z"])
def test_c26_any_final_status_on_wsgi(status: str) -> None:
    assert play("wsgi", _answers(status=status)) == text("b", int(status[:3]))


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_c26_a_body_where_there_is_none_is_dropped_on_wsgi(status: str) -> None:
    result = {"status_code": int(status[:3]), "headers": {"content-type": "text/plain"}, "body": None}
    assert play("wsgi", _answers([b"a", b"b"], status)) == result
    assert play("wsgi", _answers([b"a", b"b"]), method="head") == NO_BODY


# --- header fields

GOOD_FIELDS = [
    pytest.param(("X-Up", "1"), {"x-up": "1"}, id="capitals"),
    pytest.param(["x-a", "1"], {"x-a": "1"}, id="a list for a pair"),
    pytest.param(("x-a", ""), {"x-a": ""}, id="an empty value"),
    pytest.param(("x-a", " XX 1 XX "), {"x-a": "XX 1 XX"}, id="spaces around and in the value"),
    pytest.param(("x-a", "\t 1\t "), {"x-a": "1"}, id="space around the value"),
    pytest.param(("x-a", "a\tb"), {"x-a": "a\tb"}, id="a tab in the value"),
    pytest.param(("x-a", "\x80\xff"), {"x-a": "\x80\xff"}, id="any latin-1"),
]
BAD_NAMES = ["", " ", "x a", "x:", "x\r\na: b", "x\0", "\xe9", "\u20ac", "x\t", "(x)", "x,y"]
BAD_VALUES = ["1\r\nset-cookie: a=1", "1\n", "\r1", "\0", "\x01", "\x0b", "\x0c", "\x1f", "\x7f", "\u20ac", "\udc80"]
WRONG_FIELDS = [
    (b"x-a", "1"), ("x-a", b"1"), (b"x-a", b"1"), ("x-a",), ("x-a", "1", "2"), ("x-a", None), (None, "1"), None, 5,
    ("x-a", 1), ("x-a", ["1"]), "x-a: 1",
]  # fmt: skip


@pytest.mark.parametrize(("field", "headers"), GOOD_FIELDS)
def test_c26_header_fields_that_are_odd_and_good_on_wsgi(field: Any, headers: dict[str, str]) -> None:
    assert play("wsgi", _answers(headers=[*PLAIN, field])) == text("b", **headers)


@pytest.mark.parametrize(
    "field",
    [*[(name, "1") for name in BAD_NAMES], *[("x-a", value) for value in BAD_VALUES], *WRONG_FIELDS],
    ids=ascii,
)
def test_c26_header_fields_that_no_server_sends_on_wsgi(field: Any) -> None:
    assert play("wsgi", _answers(headers=[*PLAIN, field])) == FAILED


@pytest.mark.parametrize("headers", [None, 5, {"x-a": "1"}, "xa"], ids=repr)
def test_c26_headers_that_are_no_list_of_pairs_on_wsgi(headers: Any) -> None:
    assert play("wsgi", _answers(headers=headers)) == FAILED


# --- write()


def _writes_only(environ: Any, start_response: Any) -> Any:
    write = start_response("200 OK", PLAIN)
    write(b"a")
    write(b"")
    write(b"b")
    return []


def _writes_and_returns(environ: Any, start_response: Any) -> Any:
    write = start_response("200 OK", PLAIN)
    write(b"a")
    return [b"b"]


def _writes_within_the_body(environ: Any, start_response: Any) -> Any:
    write = start_response("200 OK", PLAIN)
    write(b"1")
    yield b"2"
    write(b"3")
    yield b"4"


def _writes_text(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", PLAIN)("a")
    return []


def _writes_and_raises(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", PLAIN)(b"a")
    raise RuntimeError(SECRET)


def _writes_and_returns_none(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", PLAIN)(b"a")


def _writes_after_the_end(environ: Any, start_response: Any) -> Any:
    write = start_response("200 OK", PLAIN)
    return Closing([b"b"], lambda: write(b"c"))


@pytest.mark.parametrize(
    ("handler", "result"),
    [
        pytest.param(_writes_only, text("ab"), id="alone"),
        pytest.param(_writes_and_returns, text("ab"), id="and a body"),
        pytest.param(_writes_within_the_body, text("1234"), id="within the body"),
        pytest.param(_writes_text, FAILED, id="text"),
        pytest.param(_writes_and_raises, FAILED, id="and an exception"),
        pytest.param(_writes_and_returns_none, FAILED, id="and no iterable"),
        pytest.param(_writes_after_the_end, text("b"), id="in close()"),
    ],
)
def test_c26_write(handler: Any, result: dict[str, Any]) -> None:
    assert play("wsgi", handler) == result


# --- the iterable


class _NoLength:
    """Only the old protocol of sequences."""

    def __getitem__(self, index: int) -> bytes:
        return [b"a", b"b"][index]


class _BadLength(list[bytes]):
    def __len__(self) -> int:
        raise RuntimeError(SECRET)


class _BadClose(Closing):
    close = property(lambda self: 1 // 0, lambda self, value: None)


@pytest.mark.parametrize(
    ("body", "result"),
    [
        pytest.param([], NO_BODY, id="empty"),
        pytest.param([b"", b""], NO_BODY, id="empty pieces"),
        pytest.param((b"a", b"", b"b"), text("ab"), id="a tuple"),
        pytest.param(_NoLength(), text("ab"), id="a sequence of the old kind"),
        pytest.param(_BadLength([b"a", b"b"]), text("ab"), id="a length that raises"),
        pytest.param({b"a": 1, b"b": 2}, text("ab"), id="a dictionary"),
        pytest.param(None, FAILED, id="None"),
        pytest.param(5, FAILED, id="a number"),
        pytest.param("text", FAILED, id="text"),
        pytest.param(b"bytes", FAILED, id="bytes, which are numbers"),
        pytest.param(["a"], FAILED, id="text in it"),
        pytest.param([b"a", "b"], FAILED, id="text in the middle"),
        pytest.param([bytearray(b"a")], FAILED, id="a bytearray in it"),
        pytest.param([None], FAILED, id="None in it"),
        pytest.param([[b"a"]], FAILED, id="a list in it"),
        pytest.param(lambda: _BadClose([b"a"], None), FAILED, id="a close that can't be read"),
        pytest.param(lambda: Closing([b"a"], 5), text("a"), id="a close that is no function"),
    ],
)
def test_c26_the_iterable(body: Any, result: dict[str, Any]) -> None:
    def handler(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", PLAIN)
        return body() if callable(body) else body

    assert play("wsgi", handler) == result
