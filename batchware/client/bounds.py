"""How much is sent at once, how often, and how long is waited: what a user of the client may set, and what is learned.

Decides how many batches may be in the air: all that are allowed, half as many after each refusal, one more again after
a run of answers that gets longer with each refusal, since one that comes too early costs a second of waiting.
"""

from __future__ import annotations

from dataclasses import dataclass

from .actions import Style

_FIRST_RUN = 8  # answers in a row until one more batch is tried
_LONGEST_RUN = 1024
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.25, 5.0  # seconds; ten attempts come to half a minute


@dataclass(frozen=True, slots=True)
class Bounds:
    """What bounds the sending of batches. Raises `ValueError` that names what is wrong."""

    max_actions: int = 10
    """Actions of one batch; a server that takes fewer says so, and is believed."""
    max_bytes: int = 1 << 20
    """Bytes of one batch; an action that is larger goes alone. A server that takes fewer is believed."""
    parallel: int = 4
    """Batches that are in the air at once."""
    attempts: int = 10
    """How often one action is sent at most, and how many failures in a row, without an answer between, end it all."""
    max_wait: float = 600.0
    """Seconds that are waited in all, and for one action whose own result says later; `math.inf` for no bound."""
    idempotency_key: str | None = None
    """What the keys of the batches begin with, where the server honours `Idempotency-Key`: something that no other
    sender uses, of any process, such as `uuid4().hex`. A sender numbers its batches after it, over all its calls.
    Writes whose answer got lost are sent again only with a key."""
    style: Style = "asana"

    def __post_init__(self) -> None:
        for name in ("max_actions", "max_bytes", "parallel", "attempts"):
            if not getattr(self, name) >= 1:
                raise ValueError(f"{name}: must be at least 1, not {getattr(self, name)!r}")
        if not self.max_wait >= 0:
            raise ValueError(f"max_wait: must be a number of seconds, not {self.max_wait!r}")
        if self.style not in ("asana", "plain"):
            raise ValueError(f"style: must be 'asana' or 'plain', not {self.style!r}")
        key = self.idempotency_key
        if key is not None and not (key and key.isascii() and key.isprintable() and not set(key) & {'"', "\\"}):
            raise ValueError("idempotency_key: must be printable ASCII without quotes and backslashes")


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row, where the server doesn't say."""
    return min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(failures - 1, 16))


class Window:
    """How many batches may be in the air."""

    __slots__ = ("_most", "_needed", "_run", "size")

    def __init__(self, most: int) -> None:
        self.size = self._most = most
        self._run, self._needed = 0, _FIRST_RUN

    def passed(self) -> None:
        """A batch was answered."""
        self._run += 1
        if self._run >= self._needed and self.size < self._most:
            self.size, self._run = self.size + 1, 0

    def refused(self) -> None:
        """A batch was told to come later."""
        self.size, self._run = max(1, self.size // 2), 0
        self._needed = min(_LONGEST_RUN, self._needed * 2)
