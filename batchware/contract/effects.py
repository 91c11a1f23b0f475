"""The effects that the flow yields, and the settings that it reads.

An effect is what a door has to await or to call; the door's answer is sent back into the generator, an error that it
meets is thrown into it.

    Authorize   ask the host's hook who sends this; answered with the principal
    ReadBody    read at most so many bytes; answered with the body
    Admit       take places and charge limits; answered with the limiter's decision, if any
    Replay      steer a `Flight` until every action has its result
    Call        steer a `Flight` of one request that is no action: it counts nowhere, and no hook hears of it
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct

from .charges import HostLimits
from .deny import Gate
from .flight import Flight
from .limiter import Charge
from .limits import Limit
from .model import Dialect, Parent


class Authorize(Struct, frozen=True):
    """Ask `authorize`; the answer is the principal, a refusal is thrown."""

    parent: Parent


class ReadBody(Struct, frozen=True):
    """Read the body; the answer is its bytes, `BodyTooLarge` is thrown past `most`."""

    most: int


class Admit(Struct, frozen=True):
    """Take `places` in flight (C42), then charge all limits in one step (C36).

    The answer is the limiter's `Decision`, or None without charges. `Overloaded` is thrown if there are not enough
    places; where the store of the limits is away, None is the answer if `pass_if_down`, else `LimitsUnavailable` is
    thrown (C41). After anything but an admission nothing is held.
    """

    places: int
    charges: Sequence[Charge]
    permit: str
    pass_if_down: bool


class Replay(Struct, frozen=True):
    """Steer `flight` until it is done."""

    flight: Flight


class Call(Struct, frozen=True):
    """Steer `flight`, one request for the batch route: a synthetic `GET`, or where `as_sent`, the parent itself."""

    flight: Flight
    as_sent: bool


Effect: TypeAlias = Authorize | ReadBody | Admit | Replay | Call


class Settings(Protocol):
    """What the flow reads of the configuration; `BatchConfig` documents each."""

    @property
    def dialect(self) -> Dialect: ...
    @property
    def gate(self) -> Gate: ...
    @property
    def path(self) -> str: ...
    @property
    def base(self) -> str: ...
    @property
    def authorize(self) -> Callable[[Parent], Any] | None: ...
    @property
    def max_actions(self) -> int: ...
    @property
    def max_body_bytes(self) -> int: ...
    @property
    def max_result_bytes(self) -> int: ...
    @property
    def max_answer_bytes(self) -> int: ...
    @property
    def parallel(self) -> int | None: ...
    @property
    def timeout(self) -> float | None: ...
    @property
    def limits(self) -> Sequence[Limit | HostLimits]: ...
    @property
    def limiter_down_batch(self) -> Literal["refuse", "pass"]: ...
    @property
    def limiter_down_direct(self) -> Literal["refuse", "pass"]: ...
    @property
    def ratelimit_headers(self) -> bool: ...
    @property
    def server_timing(self) -> bool: ...
    @property
    def set_cookie(self) -> Literal["forward", "drop"]: ...
    @property
    def cors(self) -> Literal["host", "off"]: ...
