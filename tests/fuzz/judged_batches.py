"""The judge of a batch on its way down: a whole-batch error, or for each action a refusal or its request (C3 to C16).

Written from the words of CONTRACT.md. Where they leave two answers open the judge says so (`None`, `unsure`), and
checks what both have in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fuzz.cases import Case
from tests.fuzz.judged_paths import decode_path, is_denied, quote
from tests.fuzz.settings import Setting
from tests.fuzz.strict_json import Node, NotJson, read

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_MEMBERS = {"method", "relative_path", "data", "options"}
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True)
class Asked:
    """The request that an action stands for; `path` and `raw_path` with the API base, without a mount."""

    index: int
    method: str
    path: str
    raw_path: str
    query: str | None
    """None where the contract leaves it open."""
    body: bytes | None


@dataclass(frozen=True)
class Expected:
    """What an action comes to. `unsure`: refused or run, as `asked` says if that is known."""

    asked: Asked | None = None
    unsure: bool = False

    @property
    def refused(self) -> bool:
        return self.asked is None and not self.unsure


@dataclass(frozen=True)
class Verdict:
    """Which whole-batch errors are right (none: the batch must be answered), and what each action comes to."""

    errors: tuple[int, ...] = ()
    expected: list[Expected] = field(default_factory=list)
    unsure: bool = False
    """Whether the batch may be answered although `errors` names some."""


def judge(case: Case) -> Verdict:
    """C2: the checks in their order."""
    media = _is_json(case)
    if media is False:
        return Verdict((415,))
    verdict = _judge_body(case)
    return verdict if media else Verdict((415, *verdict.errors), verdict.expected, unsure=not verdict.errors)


def _is_json(case: Case) -> bool | None:
    """C3."""
    encodings = [value.strip().lower() for name, value in case.headers if name == b"content-encoding"]
    if any(value not in (b"identity", b"") for value in encodings) or len(case.content_types) != 1:
        return False
    essence, *parameters = (part.strip(b" \t").lower() for part in case.content_types[0].split(b";"))
    if essence != b"application/json":
        return False
    if parameters in ([], [b"charset=utf-8"]):
        return None if encodings not in ([], [b"identity"]) else True
    # A quoted value means the same, and an empty parameter means nothing; the words of C3 do not go so far.
    told = [re.sub(rb"[ \t\"]", b"", parameter) for parameter in parameters if parameter]
    return None if told in ([], [b"charset=utf-8"]) else False


def _judge_body(case: Case) -> Verdict:
    setting = case.setting
    if case.declared_too_large or len(case.body) > setting.max_body_bytes:
        return Verdict((413,))
    try:
        text, node = read(case.body)
    except NotJson:
        return Verdict((400,))
    for name in (*filter(None, [setting.envelope]), "actions"):
        if node.kind != "object" or name not in node.value:
            return Verdict((400,))
        node = node.value[name]
    if node.kind != "array" or not 1 <= len(node.value) <= setting.max_actions:
        return Verdict((400,))
    return Verdict((), [_judge_action(setting, index, text, entry) for index, entry in enumerate(node.value)])


def _judge_action(setting: Setting, index: int, text: str, entry: Node) -> Expected:
    if entry.kind != "object" or not set(entry.value) <= _MEMBERS:
        return Expected()
    method, path = (entry.value.get(name) for name in ("method", "relative_path"))
    if method is None or path is None or method.kind != "string" or path.kind != "string":
        return Expected()
    verb = method.value.upper() if method.value.isascii() else ""
    decoded = decode_path(path.value)
    if verb not in _METHODS or decoded is None:
        return Expected()
    try:
        body, query = _data_and_options(setting, verb, text, entry)
    except _Refused:
        return Expected()
    denied = is_denied(setting, verb, decoded)
    if denied:
        return Expected()
    whole = setting.base + decoded
    unsure = denied is None or query is None
    return Expected(Asked(index, verb, whole, quote(whole), query, body), unsure)


class _Refused(Exception):
    pass


def _member(entry: Node, name: str) -> Node | None:
    """A member that is there and not null."""
    node: Node | None = entry.value.get(name)
    return None if node is None or node.is_null else node


def _data_and_options(setting: Setting, verb: str, text: str, entry: Node) -> tuple[bytes | None, str | None]:
    """The body and the query string of the child. Raises `_Refused`."""
    pairs: list[tuple[str, str]] = []
    body, sure = None, True
    if verb in ("POST", "PUT", "PATCH") or (verb == "DELETE" and setting.delete_data == "body"):
        body = _body(setting, text, entry)
    elif (data := _member(entry, "data")) is not None:
        if data.kind != "object":
            raise _Refused
        sure = not data.twice  # which of two places a parameter has is nobody's word
        pairs = list(_parameters(setting, text, data))
    taken = {name for name, _ in pairs}
    if "options" in entry.value and not setting.action_options:
        if not entry.value["options"].is_null:
            raise _Refused
        sure = False
    elif (options := _member(entry, "options")) is not None:
        further, told = _options(text, options)
        if taken & {name for name, _ in further}:
            raise _Refused
        pairs += further
        # A parameter that `data` leaves out by null is in both, and in none.
        sure = sure and told and not (body is None and _names_null(entry, further))
    return body, "&".join(f"{_percent(name)}={_percent(value)}" for name, value in pairs) if sure else None


def _names_null(entry: Node, further: list[tuple[str, str]]) -> bool:
    data = _member(entry, "data")
    return data is not None and data.kind == "object" and any(name in data.value for name, _ in further)


def _body(setting: Setting, text: str, entry: Node) -> bytes | None:
    """C14."""
    data = entry.value.get("data")
    if data is None:
        return None
    raw = text[data.start : data.end].encode()
    if setting.body_envelope is None:
        return raw
    if data.is_null:
        return None
    if data.kind != "object":
        raise _Refused
    return b'{"data":' + raw + b"}"


def _parameters(setting: Setting, text: str, data: Node) -> Iterator[tuple[str, str]]:
    """C13."""
    for name, value in data.value.items():
        if value.is_null:
            continue
        if value.kind == "object":
            raise _Refused
        if value.kind != "array":
            yield name, _scalar(text, value)
            continue
        items = []
        for item in value.value:
            if item.is_null or item.kind in ("array", "object"):
                raise _Refused
            items.append(_scalar(text, item))
        if setting.query_lists == "repeat":
            yield from ((name, item) for item in items)
        elif any("," in item for item in items):
            raise _Refused
        else:
            yield name, ",".join(items)


def _scalar(text: str, node: Node) -> str:
    if node.kind == "string":
        return str(node.value)
    return text[node.start : node.end]  # a number's own spelling, `true`, `false`


def _percent(text: str) -> str:
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode("utf-8"))


def _options(text: str, options: Node) -> tuple[list[tuple[str, str]], bool]:
    """C15: the parameters, and whether the contract settles what they are."""
    if options.kind != "object" or not set(options.value) <= {"fields", "expand", "limit", "offset"}:
        raise _Refused
    pairs, sure = [], not options.twice
    for name, value in options.value.items():
        if name in ("fields", "expand"):
            if value.kind == "string":
                pairs.append(("opt_" + name, value.value))
            elif value.kind == "array":
                strings = [item.value for item in value.value if item.kind == "string"]
                sure = sure and len(strings) == len(value.value) > 0 and not any("," in item for item in strings)
                pairs.append(("opt_" + name, ",".join(strings)))
            elif value.is_null:
                sure = False
            else:
                raise _Refused
        elif value.kind in ("string", "number"):
            pairs.append((name, _scalar(text, value)))
        else:
            sure = False
    return pairs, sure
