"""What is asked of Redis, and how its answers are read: one script for one admission. Nothing here waits or connects.

All keys of one limiter share a hash tag, the prefix: a script may touch the keys of one slot of a cluster only, and a
batch owes limits of several subjects. Subjects go into keys as digests: whatever a client can make of its name, a key
is short and holds no secret. Times are the server's own, in whole microseconds, so that the clocks of the workers do
not matter.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from importlib.resources import files

from msgspec import Struct

from ..contract.limiter import Charge, Decision, Level, LimiterUnavailable, Slot
from ..contract.limits import Concurrency, Limit, Quota

PERMIT_MILLISECONDS = 60_000  # how long a permit is remembered (the laws of a limiter)
MICROSECONDS = 1_000_000
VOID = "void"  # what stands under a permit that was given back


class Script(Struct, frozen=True):
    """A Lua script, and the name by which a server that has seen it before knows it."""

    source: str
    sha: str


def _script(name: str) -> Script:
    source = files("batchware.limiters").joinpath(name).read_text("utf-8")
    return Script(source, hashlib.sha1(source.encode("utf-8"), usedforsecurity=False).hexdigest())


ADMIT = _script("admit.lua")
REFUND = _script("refund.lua")
SLOTS = _script("slots.lua")


class Call(Struct, frozen=True):
    """One call of a script."""

    script: Script
    keys: Sequence[str]
    arguments: Sequence[str | int]


class Keys:
    """The names of all that one limiter keeps; `prefix` is their hash tag."""

    def __init__(self, prefix: str) -> None:
        if not prefix or not prefix.isprintable() or set(prefix) & set("{} "):
            raise ValueError(f"prefix must be printable, without braces and spaces, not {prefix!r}")
        self._prefix = f"{{{prefix}}}:"

    def permit(self, permit: str) -> str:
        return f"{self._prefix}permit:{_digest(permit)}"

    def counters(self, rule: Limit, subject: str) -> str:
        """Of a quota also by its period: counters of another period mean something else."""
        if isinstance(rule, Quota):
            return f"{self._prefix}quota:{rule.name}:{_microseconds(rule.per)}:{_digest(subject)}"
        return f"{self._prefix}slots:{rule.name}:{_digest(subject)}"


def admission(keys: Keys, charges: Sequence[Charge], permit: str) -> Call:
    """All charges or none. Raises `ValueError` for a holder that would be taken for two."""
    names = [keys.permit(permit)]
    arguments: list[str | int] = [PERMIT_MILLISECONDS]
    for charge in charges:
        rule = charge.rule
        names.append(keys.counters(rule, charge.subject))
        if isinstance(rule, Quota):
            refused = int(rule.charge_refused)
            arguments += ["quota", rule.limit, charge.cost, _microseconds(rule.per), refused]
        else:
            arguments += ["concurrency", rule.limit, charge.cost, _microseconds(rule.lease), _lines(charge.holders)]
    return Call(ADMIT, names, arguments)


def refund(admission: Call) -> Call:
    """Undo `admission`, and void its permit, whether or not it has been carried out."""
    return Call(REFUND, admission.keys, admission.arguments)


def decision(reply: str | bytes, charges: Sequence[Charge]) -> Decision:
    """What an admission answered. Raises `LimiterUnavailable` where its permit is void."""
    text = reply.decode("ascii") if isinstance(reply, bytes) else reply
    if text == VOID:
        raise LimiterUnavailable("the permit was given back")
    admitted, wait, *standing = map(int, text.split())
    levels = [
        Level(charge.rule, left, reset / MICROSECONDS)
        for charge, left, reset in zip(charges, standing[::3], standing[1::3], strict=True)
    ]
    return Decision(bool(admitted), None if wait < 0 else wait / MICROSECONDS, tuple(levels))


def release(keys: Keys, slots: Iterable[Slot]) -> Call:
    """Free `slots`."""
    return _slots("release", keys, slots)[0]


def renewal(keys: Keys, slots: Iterable[Slot]) -> tuple[Call, Sequence[Slot]]:
    """Extend the leases of `slots`; and the slots in the order in which the answer counts them."""
    return _slots("renew", keys, slots)


def lost(reply: str | bytes, ordered: Sequence[Slot]) -> Sequence[Slot]:
    """Those of a renewal that were not held any more."""
    return [ordered[int(place)] for place in reply.split()]


def _slots(what: str, keys: Keys, slots: Iterable[Slot]) -> tuple[Call, Sequence[Slot]]:
    groups: dict[tuple[str, str], list[Slot]] = {}
    for slot in slots:
        groups.setdefault((slot.rule.name, slot.subject), []).append(slot)
    arguments: list[str | int] = [what]
    for group in groups.values():
        arguments += [_lease(group), _lines([slot.holder for slot in group])]
    names = [keys.counters(group[0].rule, group[0].subject) for group in groups.values()]
    return Call(SLOTS, names, arguments), [slot for group in groups.values() for slot in group]


def _lease(group: Sequence[Slot]) -> int:
    rule: Concurrency = group[0].rule
    return _microseconds(rule.lease)


def _microseconds(seconds: float) -> int:
    return max(1, math.ceil(seconds * MICROSECONDS))


def _lines(holders: Sequence[str]) -> str:
    lines = "\n".join(holders)
    if lines.count("\n") >= max(1, len(holders)):
        raise ValueError("a holder of a slot is one line")
    return lines


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
