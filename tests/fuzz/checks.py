"""What must be true of every input: the answer of a door, and what its host saw, held against the judge."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tests.fuzz.cases import Case
from tests.fuzz.doors import AsgiDoor, Got, Reached, WsgiDoor, answer_to, joined
from tests.fuzz.judged_answers import Due, cookies, due, field_filter, inherited, strangers
from tests.fuzz.judged_batches import Asked, Expected, Verdict, judge
from tests.fuzz.judged_paths import is_denied
from tests.fuzz.strict_json import Node, NotJson, read

DEPTH_OF_ANSWERS = 1 << 30
_LONGEST_MESSAGE = 600
_CLEAN_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+\Z")
_CLEAN = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")


class Finding(AssertionError):
    """An input that breaks a rule."""


class Doors:
    """Both doors, and the checks of one input on each."""

    def __init__(self) -> None:
        self._doors = (AsgiDoor(), WsgiDoor())

    def check(self, case: Case) -> Verdict:
        """Runs a case. Raises `Finding`."""
        verdict = judge(case)
        for door in self._doors:
            got = door.run(case)
            try:
                _Check(door.name, case, verdict, got).run()
            except Finding as finding:
                raise Finding(f"{door.name}, setting {case.setting.name!r}: {finding}") from got.error
        return verdict

    def close(self) -> None:
        for door in self._doors:
            door.close()


class _Check:
    def __init__(self, door: str, case: Case, verdict: Verdict, got: Got) -> None:
        self.door = door
        self.case = case
        self.verdict = verdict
        self.got = got
        self.text = ""
        self.left = dict(enumerate(got.reached))
        """The child requests that no result has accounted for."""
        self.told: set[int] = set()
        """The actions whose result tells which request it is of."""

    def run(self) -> None:
        got, verdict = self.got, self.verdict
        want(got.error is None, f"{got.error!r} left the middleware")
        want(got.complete, "the answer has no end")
        if not 200 <= got.status < 500:
            raise Finding(f"the batch is {got.status}: {got.body[:200]!r}")
        self._answer_headers()
        for reached in got.reached:
            self._reached(reached)
        node = self._read_answer()
        if got.status != 200:
            want(got.status in verdict.errors, f"{got.status}, and not {verdict.errors or 200}: {got.body[:200]!r}")
            want(not got.reached, "an action ran, and the batch is an error")
            self._error(node)
            return
        want(not verdict.errors or verdict.unsure, f"200, and not {verdict.errors}")
        self._results(node)

    def _answer_headers(self) -> None:
        headers = Counter(self.got.headers)
        names = Counter(name for name, _ in self.got.headers)
        for name, value in self.got.headers:
            want(_CLEAN_NAME.match(name) and _CLEAN.match(value), f"the answer has the header {name!a}: {value!a}")
        for name, value in (
            ("content-type", "application/json"),
            ("content-length", str(len(self.got.body))),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ):
            due_here = self.got.status == 200 or name in ("content-type", "content-length")
            want(not due_here or headers[name, value] == names[name] == 1, f"{name} is not {value}")

    def _reached(self, reached: Reached) -> None:
        want(not strangers(reached.frame), f"keys in the frame of a child: {strangers(reached.frame)}")
        path = reached.path.removeprefix(self.case.setting.base)
        if is_denied(self.case.setting, reached.method, path):
            raise Finding(f"{reached.method} {path!a} was reached and may not be batched")

    def _read_answer(self) -> Node:
        try:
            self.text, node = read(self.got.body, DEPTH_OF_ANSWERS)
        except NotJson as error:
            raise Finding(f"the answer is not JSON: {error}: {self.got.body[:300]!r}") from None
        return node

    def _error(self, node: Node | None) -> str:
        """The message of the shape of C30."""
        errors = _only(node, "errors")
        want(errors is not None and errors.kind == "array" and len(errors.value) == 1, "not one error")
        assert errors is not None
        message = _only(errors.value[0], "message")
        want(message is not None and message.kind == "string", "the message is no string")
        assert message is not None
        want(0 < len(message.value) <= _LONGEST_MESSAGE, f"a message of {len(message.value)} characters")
        return str(message.value)

    def _results(self, node: Node) -> None:
        results = _only(node, self.case.setting.envelope or "results")
        want(results is not None and results.kind == "array", "no list of results")
        assert results is not None
        expected = self.verdict.expected
        want(len(results.value) == len(expected), f"{len(results.value)} results for {len(expected)} actions")
        members = field_filter(self.case)
        answered = []
        for index, (result, one) in enumerate(zip(results.value, expected, strict=True)):
            want(result.kind == "object" and not result.twice, f"result {index} is no object")
            names = set(result.value)
            want(names <= {"status_code", "headers", "body"}, f"result {index} has {names}")
            want(members is None or names == members, f"result {index} has {names}, and not {members}")
            if len(names) == 3:
                answered.append(self._result(index, result.value, one))
        self._account()
        whole = len(answered) == len(expected) and all(answered)
        if whole:
            self._cookies([pair for pair in answered if pair])

    def _result(self, index: int, result: dict[str, Node], expected: Expected) -> tuple[str, Any] | None:
        """Checks a result; the child's path and its response, where all of it is settled."""
        headers = {name: value.value for name, value in result["headers"].value.items()}
        want(all(value.kind == "string" for value in result["headers"].value.values()), "a header is no string")
        status = self.text[result["status_code"].start : result["status_code"].end]
        serial = headers.get("x-ran")
        if serial is None:
            self._not_answered(index, status, headers, result["body"], expected)
            return None
        want(not expected.refused, f"action {index} ran and is to be refused")
        reached = self.left.pop(int(serial), None)
        want(reached is not None, f"result {index} is of a request that another has, or that was none")
        assert reached is not None
        assert expected.asked is not None
        self._same(reached, expected.asked)
        self.told.add(index)
        given = answer_to(self.case, reached.method, reached.path, reached.query)
        self._compare(index, status, headers, result["body"], due(given, reached.method, int(serial)))
        return self.case.setting.root_path + reached.path, given

    def _not_answered(self, index: int, status: str, headers: dict[str, Any], body: Node, expected: Expected) -> None:
        message = self._error(body)
        want(not headers, f"result {index} is an error with headers")
        if message.startswith(f"actions[{index}]"):
            want(status == "400", f"action {index} is refused with {status}")
            want(expected.asked is None or expected.unsure, f"action {index} is refused: {message}")
        else:
            want(not expected.refused, f"action {index} was to be refused: {message}")
            may_fail = self.case.fault in ("raise", "raise half-way", "nothing")
            may_fail = may_fail or any(given.is_odd for given in self.case.given)
            want(may_fail, f"action {index} failed: {message}")
            want(status == "500", f"action {index} failed with {status}")

    def _same(self, reached: Reached, asked: Asked) -> None:
        """C12 to C16: what was checked is what was dispatched."""
        for name in ("method", "path", "raw_path", "query"):
            given, due_here = getattr(reached, name), getattr(asked, name)
            if given != due_here and None not in (given, due_here):
                raise Finding(f"{name} is {given!a}, and not {due_here!a}")
        body = asked.body or b""
        if reached.body != body:
            raise Finding(f"body is {reached.body[:200]!r}, and not {body[:200]!r}")
        lengths = [value for name, value in reached.headers if name == b"content-length"]
        if asked.body is not None or lengths:
            want(lengths == [b"%d" % len(body)], f"content-length is {lengths}, and not {len(body)}")
        parent = [(b"host", b"testserver"), *self.case.headers]
        if self.door == "wsgi":
            parent = joined(parent)
        headers = inherited(parent, asked.method, asked.index, asked.body)
        told = Counter(pair for pair in reached.headers if pair[0] != b"content-length")
        if self.door == "wsgi":
            told.pop((b"content-type", b""), None)  # in an environ as good as none
        if headers is not None and told != headers:
            raise Finding(f"headers are {told}, and not {headers}")

    def _compare(self, index: int, status: str, headers: dict[str, str], body: Node, expected: Due) -> None:
        want(expected.status in (None, int(status)), f"result {index} is {status}, and not {expected.status}")
        if expected.headers is not None and headers != expected.headers:
            raise Finding(f"headers of result {index} are {headers}, and not {expected.headers}")
        raw = self.text[body.start : body.end].encode()
        if expected.text is not None:
            # Whitespace around a value is part of the bytes that are embedded, and not of the value.
            around = self.text[body.start - _before(expected.text) :].encode()
            want(
                raw == expected.text.strip(b" \t\r\n") and around.startswith(expected.text),
                f"body {index} is {raw[:200]!r}, and not {expected.text[:200]!r}",
            )
        elif expected.value is not None:
            want(
                body.kind == "string" and body.value == expected.value,
                f"body {index} is {raw[:200]!r}, and not {expected.value[:200]!a}",
            )

    def _account(self) -> None:
        """That what ran without a result that tells it is what still had to run."""
        left = list(self.left.values())
        optional: list[Asked] = []
        for one in self.verdict.expected:
            if one.asked is None or one.asked.index in self.told:
                continue
            if one.unsure:
                optional.append(one.asked)
                continue
            match = next((at for at, reached in enumerate(left) if _alike(reached, one.asked)), None)
            if match is None:
                raise Finding(f"{one.asked} did not run")
            self._same(left.pop(match), one.asked)
        for reached in left:
            if not any(_alike(reached, asked) for asked in optional):
                raise Finding(f"nobody asked for {reached.method} {reached.path!a}")

    def _cookies(self, answered: list[tuple[str, Any]]) -> None:
        due_here = cookies(answered)
        got = [value for name, value in self.got.headers if name == "set-cookie"]
        want(due_here is None or got == due_here, f"cookies are {got}, and not {due_here}")


def _alike(reached: Reached, asked: Asked) -> bool:
    return (
        reached.method == asked.method
        and reached.path == asked.path
        and asked.query in (None, reached.query)
        and reached.body == (asked.body or b"")
    )


def _before(text: bytes) -> int:
    return len(text) - len(text.lstrip(b" \t\r\n"))


def _only(node: Node | None, name: str) -> Node | None:
    """The one member that an object may have."""
    if node is None or node.kind != "object" or set(node.value) != {name}:
        return None
    found: Node = node.value[name]
    return found


def want(holds: object, otherwise: str) -> None:
    if not holds:
        raise Finding(otherwise)
