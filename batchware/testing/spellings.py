"""Every way that is known of writing an action so that a check and a router may disagree about it.

What a client can choose is the path, the method, the members of the action and the headers of the batch; each
`Attempt` is one choice. Nothing of it is random, so a test that fails fails again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_INVISIBLE = {
    "a zero width space": "\u200b", "a soft hyphen": "\u00ad", "a word joiner": "\u2060",
    "a byte order mark": "\ufeff", "a variation selector": "\ufe0f", "a Hangul filler": "\u3164", "a tag": "\U000e0001",
    "a combining joiner": "\u034f",
}  # fmt: skip
_LOOK_ALIKE = {"i": "\u0131\u0130", "s": "\u017f", "k": "\u212a", "_": "\uff3f", "/": "\u2215\uff0f\u2044"}
_ALPHABETS = {"full width": 0xFF41, "circled": 0x24D0, "bold": 0x1D41A}
_OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X_HTTP_METHOD_OVERRIDE")
_REWRITES = (
    "X-Original-URL", "X-Rewrite-URL", "X-Original-URI", "X-Original-Path", "X-Forwarded-Path", "X-Forwarded-Uri",
    "X-Envoy-Original-Path", "X_ORIGINAL_URL",
)  # fmt: skip
NOWHERE = "/batchware-knows-no-such-path"
"""A path that no application has."""


@dataclass(frozen=True)
class Attempt:
    """One action, as it is written into the batch, and what is tried with it.

    `headers` go with the batch that holds it. `instead` is set where the action names something else than what is
    tested, which it is only to become on the way: reached is then what answers otherwise than without that trick.
    """

    name: str
    action: str
    headers: tuple[tuple[str, str], ...] = ()
    instead: str | None = field(default=None)


def attempts(method: str, path: str, data: Any, route: str) -> Iterator[Attempt]:
    """All of them for `method path`, where `path` is decoded, and relative to the API base; `route` the batch route."""
    for name, written in respelled(path).items():
        yield Attempt(name, _action(method, written, data))
    plain = quote_once(path)
    for name, spelled in _methods(method).items():
        yield Attempt(name, _action(spelled, plain, data))
    if method == "GET":
        yield Attempt("HEAD in the place of GET", _action("HEAD", plain, data))
    if method != "GET":
        instead = _action("GET", plain, None)
        for header in _OVERRIDES:
            yield Attempt(f"the header {header}", instead, ((header, method),), instead)
        for member in ("_method", "_http_method", "X-HTTP-Method-Override"):
            yield Attempt(f"the parameter {member}", _action("GET", plain, {member: method}), (), instead)
    nowhere = _action(method, NOWHERE, data)
    for header in _REWRITES:
        yield Attempt(f"the header {header}", nowhere, ((header, route.rpartition("/")[0] + plain),), nowhere)
    first = _action(method, NOWHERE, data)
    yield Attempt("a member that stands twice", f'{first[:-1]},"relative_path":{json.dumps(plain)}}}')
    nested = {"actions": [{"method": method, "relative_path": plain, **({} if data is None else {"data": data})}]}
    for envelope in (nested, {"data": nested}):
        name = "a batch in the batch" + ("" if envelope is nested else ", with an envelope")
        yield Attempt(name, _action("POST", "/" + route.rpartition("/")[2], envelope))


def respelled(path: str) -> dict[str, str]:
    """What each way of spelling makes of a decoded `path`, as it is written in an action."""
    plain, last = quote_once(path), path.rstrip("/").rpartition("/")[2]
    letter = next((i for i, c in enumerate(path) if c.isalpha() and c.isascii()), None)
    found = {
        "as it is": plain,
        "capital letters": quote_once(path.upper()),
        "capital letters at the end": quote_once(re.sub(r"[^/]+(?=/?$)", lambda found: found[0].upper(), path)),
        "small letters": quote_once(path.lower()),
        "letters of the other case": quote_once(path.swapcase()),
        "a trailing slash": plain.rstrip("/") + "/",
        "no trailing slash": plain.rstrip("/") or "/",
        "two trailing slashes": plain + "//",
        "two slashes in front": "/" + plain,
        "a doubled slash": re.sub(r"(?<=.)/", "//", plain, count=1),
        "a dot segment in front": "/." + plain,
        "a dot segment behind": plain + "/.",
        "a dot segment in code": "/%2e" + plain,
        "up and down again": "/x/.." + plain,
        "up and down again in code": "/x/%2e%2e" + plain,
        "up and down again in code twice": "/x/%252e%252e" + plain,
        "up and down again behind parameters": "/x/..;" + plain,
        "down and up again": f"{plain}/x/..",
        "above the top": "/.." + plain,
        "every letter in code": _coded(path, 1),
        "every letter in code twice": _coded(path, 2),
        "every letter in code three times": _coded(path, 3),
        "small hex digits": _coded(path, 1).lower(),
        "separators in code": "/" + plain[1:].replace("/", "%2F"),
        "separators in code twice": "/" + plain[1:].replace("/", "%252F"),
        "the first separator in code": "%2F" + plain[1:],
        "a separator in code behind": plain + "%2F",
        "a separator in code twice behind": plain + "%252F",
        "backslashes": "/" + plain[1:].replace("/", "\\"),
        "a backslash in code in front": "/%5C" + plain[1:],
        "backslashes in code": "/" + plain[1:].replace("/", "%5C"),
        "empty parameters": plain + ";",
        "parameters": plain + ";a=b",
        "parameters of every segment": plain.replace("/", ";a=b/")[4:] or plain,
        "parameters in code": plain + "%3Ba=b",
        "parameters in code twice": plain + "%253Ba=b",
        "a query": plain + "?a=b",
        "a query in code": plain + "%3Fa=b",
        "a fragment": plain + "#a",
        "a fragment in code": plain + "%23a",
        "a NUL behind": plain + "%00",
        "a line break behind": plain + "%0A",
        "a tabulator in front": "/%09" + plain[1:],
        "a space behind": plain + "%20",
        "a space in front": " " + plain,
        "a space": plain + " ",
        "a dot behind": plain + ".",
        "an extension": plain + ".json",
        "bytes that are too long": plain.replace("/", "/%c0%ae%c0%ae/", 1),
        "broken UTF-8": plain + "%ff",
        "codes of another kind": "".join(f"%u{ord(c):04x}" if c.isalpha() else c for c in path),
        "a URL": "http://localhost" + plain,
        "an authority": "//localhost" + plain,
        "no slash in front": plain[1:],
        "a plus sign": plain.replace(last, "+" + last, 1) if last else plain + "+",
    }
    for name, first in _ALPHABETS.items():
        found[f"{name} letters"] = quote_once(
            "".join(chr(first + ord(c.lower()) - 97) if c.isascii() and c.isalpha() else c for c in path)
        )
        found[f"{name} letters in code twice"] = quote(found[f"{name} letters"], safe="/")
    for character, alike in _LOOK_ALIKE.items():
        for other in alike:
            head, tail = path[:1], path[1:]
            if character in tail.lower():
                found[f"{other!a} for {character!r}"] = quote_once(
                    head + re.sub(character, other, tail, flags=re.IGNORECASE)
                )
    if "i" in path.lower():
        found["an i with a second dot"] = quote_once(re.sub("i", "i\u0307", path, flags=re.IGNORECASE))
    if letter is not None:
        at = letter + 1
        found["one letter in code"] = _around(path, letter, f"%{ord(path[letter]):02X}")
        found["one letter in code twice"] = _around(path, letter, f"%25{ord(path[letter]):02X}")
        found["one capital letter"] = quote_once(path[:letter] + path[letter].swapcase() + path[at:])
        found["a letter with its accent apart"] = quote_once(path[:at] + "\u0301" + path[at:])
        for name, hidden in _INVISIBLE.items():
            found[f"{name} within"] = quote_once(path[:at] + hidden + path[at:])
            found[f"{name} behind"] = quote_once(path + hidden)
            found[f"{name} within, in code twice"] = quote(found[f"{name} within"], safe="/")
    return found


def quote_once(path: str) -> str:
    """A decoded path as it is written in an action."""
    return quote(path, safe="/:@!$&'()*+,;=~-._")


def _coded(path: str, times: int) -> str:
    """`path` with everything but its slashes in percent codes, `times` over."""
    percent = "%" + "25" * (times - 1)
    return "/".join("".join(f"{percent}{byte:02X}" for byte in part.encode()) for part in path.split("/"))


def _around(path: str, at: int, code: str) -> str:
    return quote_once(path[:at]) + code + quote_once(path[at + 1 :])


def _methods(method: str) -> dict[str, str]:
    return {
        "the method in small letters": method.lower(),
        "the method in mixed letters": method.title(),
        "the method in full width": "".join(chr(0xFF21 + ord(c) - 65) for c in method),
        "the method with a space": method + " ",
        "the method with a line break": method + "\r\nX-A: b",
        "the method with an invisible character": method + "\u200b",
        "the method with a NUL": method + "\0",
    }


def _action(method: str, path: str, data: Any) -> str:
    entry: dict[str, Any] = {"method": method, "relative_path": path}
    if data is not None:
        entry["data"] = data
    return json.dumps(entry)
