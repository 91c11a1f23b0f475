"""Inputs close to another: one thing of a case changed, by token and not by byte.

What a token is, is looser than any grammar: a string, a number, a word, a mark. So a neighbour of a valid batch is
often valid, and often valid in one place less.
"""

from __future__ import annotations

import re
from random import Random

from tests.fuzz.cases import FAULTS, SEPARATOR
from tests.fuzz.settings import SETTINGS

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|%[0-9a-fA-F]{2}|[A-Za-z_]+|[0-9]+|\s+|.', re.DOTALL)

WORDS = (
    # JSON, and what is almost JSON
    b'"data"', b'"actions"', b'"method"', b'"relative_path"', b'"options"', b'"fields"', b'"expand"', b'"limit"',
    b'"offset"', b"null", b"true", b"false", b"NaN", b"-0", b"1e999", b"0.10", b"01", b"[]", b"{}", b'""', b'"a,b"',
    b'["a","b"]', b'{"a":1,"a":2}', b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\\u0000"', b"\\u0061", b"[[", b"]]", b",",
    b'{"method":"get","relative_path":"/tasks/1"}', b'{"method":"get","relative_path":"/batch"}',
    b'{"method":"post","relative_path":"/tasks/1/attachments"}', b'{"method":"put","relative_path":"/things/1/lock"}',
    b'"__proto__"', b"\xef\xbb\xbf", b"\xc0\xaf", b"/**/", b"\x00",
    # methods
    b'"get"', b'"POST"', b'"Head"', b'"delete"', b'"put"', b'"PATCH"', b'"options"', b'"po\\u017ft"', b'"\\u0130"',
    # paths
    b'"/batch"', b'"/attachments"', b'"/tasks/1/attachments"', b'"/scim/v2/Users"', b'"/organization_exports/1"',
    b'"/batches"', b'"/echo/a"', b'"/secret/x"', b'"/things/1/lock"', b"/batch", b"/", b"//", b"/..", b"/.", b"%2e",
    b"%2F", b"%5c", b"%25", b"%2562", b"%00", b"%0a", b"%7F", b"%c2%85", b"%E2%80%8B", b"%ef%bc%82", b"%EF%BD%82",
    b"%e2%84%aa", b"%c4%b0", b"%C4%B1", b"%c5%bf", b"%ed%a0%80", b"%c0%af", b"%", b"%u0061", b"?a=b", b"#x", b";a=b",
    b"\\u200b", b"\\u212a", b"\\\\", b"\\/", b"%f0%9d%90%9a", b"%cd%8f", b"%e3%85%a4", b"%252f", b"%253b", b"%3B",
    # media types, headers, queries
    b"application/json", b"application/problem+json", b"text/plain", b"image/png", b"; charset=utf-8", b"; charset=",
    b"utf-16", b"content-encoding: gzip", b"content-type: application/json", b"content-type: text/plain",
    b"x-http-method-override: PUT", b"connection: x-thing", b"accept-encoding: gzip", b'idempotency-key: "k"',
    b"remote_user: root", b"set-cookie: a=1", b"content-length: 1", b"transfer-encoding: chunked", b"\n", b"\n\n",
    b"opt_pretty", b"opt_fields=body", b"status_code", b"&", b"=", b"204", b"304", b"500",
)  # fmt: skip


_STRINGS = [word for word in WORDS if word.startswith(b'"')]
_PIECES = [word for word in WORDS if word[:1] in b"%/\\;?#"]
_VALUES = [word for word in WORDS if word[:1] in b"[{0123456789-tfn"]


def neighbour(data: bytes, other: bytes, random: Random) -> bytes:
    """`data` with one to three changes; some take a part of `other`."""
    for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
        data = _changed(data, other, random)
    return data


def _changed(data: bytes, other: bytes, random: Random) -> bytes:
    if random.random() < 0.05 or len(data) < 3:
        return bytes([random.randrange(len(SETTINGS)), random.randrange(4 * len(FAULTS))]) + data[2:]
    sections, others = data[2:].split(SEPARATOR), other[2:].split(SEPARATOR)
    at = 0 if random.random() < 0.6 else random.randrange(len(sections))
    if random.random() < 0.05:
        sections[at] = random.choice(others)
    else:
        tokens = _TOKEN.findall(sections[at])
        source = _TOKEN.findall(others[min(at, len(others) - 1)])
        sections[at] = b"".join(_mutated(tokens, source or tokens, random))
    return data[:2] + SEPARATOR.join(sections)


def _mutated(tokens: list[bytes], source: list[bytes], random: Random) -> list[bytes]:
    if not tokens:
        return [random.choice(WORDS)]
    at = random.randrange(len(tokens))
    if random.random() < 0.6 and (alike := _alike(tokens, random)):
        return alike
    match random.randrange(9):
        case 0:
            tokens[at] = random.choice(WORDS)
        case 1:
            tokens.insert(at, random.choice(WORDS))
        case 2:
            del tokens[at : at + random.choice((1, 1, 2, 4))]
        case 3:
            tokens[at:at] = tokens[at : at + random.choice((1, 2, 8))] * random.choice((1, 1, 2, 70))
        case 4:
            there = random.randrange(len(tokens))
            tokens[at], tokens[there] = tokens[there], tokens[at]
        case 5 if source:
            there = random.randrange(len(source))
            tokens[at : at + 1] = source[there : there + random.choice((1, 2, 5))]
        case 6:
            tokens[at] = bytes([random.randrange(256)])
        case _:
            tokens[at] = _respelled(tokens[at], random)
    return tokens


def _alike(tokens: list[bytes], random: Random) -> list[bytes]:
    """A string or a number changed so that it stays one, if there is any."""
    places = [at for at, token in enumerate(tokens) if token.startswith(b'"') or token.isdigit()]
    if not places:
        return []
    at = random.choice(places)
    token = tokens[at]
    if not token.startswith(b'"'):
        tokens[at] = random.choice(_VALUES)
    elif random.random() < 0.3:
        tokens[at] = random.choice(_STRINGS)
    elif random.random() < 0.4:
        there = random.randrange(1, max(2, len(token)))
        tokens[at] = token[:there] + random.choice(_PIECES) + token[there:]
    else:
        tokens[at] = _respelled(token, random)
    return tokens


# First letters of alphabets that fold to the Latin one: full width, circled, bold, script.
_ALPHABETS = (0xFF41, 0x24D0, 0x1D41A, 0x1D4EA)
_ODD = {
    "i": "\u0131\u0130",
    "s": "\u017f",
    "k": "\u212a",
    "/": "\uff0f",
    ";": "\uff1b",
    ".": "\uff0e",
    "1": "\u2460\u2100",
}
_UNSEEN = "\u200b\u00ad\u034f\u2065\u3164\ufe0f\U000e0100"


def _disguised(character: str, random: Random) -> bytes:
    """What folds to `character`, or hides beside it, escaped once, twice or three times."""
    alike = [*_ODD.get(character.lower(), ""), character + random.choice(_UNSEEN), random.choice(_UNSEEN)]
    if "a" <= character.lower() <= "z":
        alike += [chr(first + ord(character.lower()) - ord("a")) for first in _ALPHABETS]
    octets = random.choice(alike).encode()
    prefix = random.choice(("%", "%", "%25", "%2525"))
    return "".join(f"{prefix}{octet:02x}" for octet in octets).encode()


def _respelled(token: bytes, random: Random) -> bytes:
    """One character of a token in another spelling: as an escape of a path, of JSON, in the other case, doubled."""
    at = random.randrange(len(token))
    if token.startswith(b'"') and len(token) > 2:
        at = random.randrange(1, len(token) - 1)
    byte = token[at : at + 1]
    if token.startswith(b'"/') and random.random() < 0.5:
        return token[:at] + _disguised(chr(byte[0]), random) + token[at + 1 :]
    spelled = random.choice(
        (
            b"%%%02x" % byte[0],
            b"\\u%04X" % byte[0],
            b"%%25%02X" % byte[0],
            byte.swapcase(),
            byte * 2,
            random.choice(WORDS),
        )
    )
    return token[:at] + spelled + token[at + 1 :]
