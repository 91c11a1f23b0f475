"""The header fields of a request as text, read when somebody asks, and once however often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import overload


class Fields(Sequence[tuple[str, str]]):
    """The pairs that `read` gives, names in lower case: for most direct requests nobody asks for them."""

    __slots__ = ("_joined", "_pairs", "_read")

    def __init__(self, read: Callable[[], list[tuple[str, str]]]) -> None:
        self._read = read
        self._pairs: list[tuple[str, str]] | None = None
        self._joined: dict[str, str] | None = None

    def get(self, name: str) -> str | None:
        """The value of the header `name`, or None; several fields are joined with `, `."""
        if self._joined is None:
            self._joined = joined(self._all())
        return self._joined.get(name)

    def _all(self) -> list[tuple[str, str]]:
        if self._pairs is None:
            self._pairs = self._read()
        return self._pairs

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, index: int) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[str, str]]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, str] | Sequence[tuple[str, str]]:
        return self._all()[index]

    def __repr__(self) -> str:
        return repr(self._all())


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each name once, several values joined with `, `."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
