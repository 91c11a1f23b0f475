"""BatchConfig: every option of batchware, checked once, when the application starts.

A wrong option fails there and names itself, never at the first request. What the options mean at run time (the
dialect, the compiled gate) is made here too, so that a request finds everything ready.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypedDict

from msgspec import UNSET, UnsetType

from .contract.deny import DEFAULT_DENY, DenyRule, Gate, Rule
from .contract.errors import BatchError, asana_errors
from .contract.hooks import BatchHooks
from .contract.model import Parent
from .wire.asana import AsanaDialect


class BatchOptions(TypedDict, total=False):
    """The keyword arguments of both doors, as `BatchConfig` documents them."""

    path: str
    style: Literal["asana", "plain"]
    envelope: str | None
    body_envelope: str | None
    action_options: Literal["asana"] | None
    query_lists: Literal["comma", "repeat"]
    delete_data: Literal["query", "body"]
    max_actions: int
    max_body_bytes: int
    max_result_bytes: int
    max_answer_bytes: int
    max_pending: int
    parallel: int | None
    action_timeout: float | None
    authorize: Callable[[Parent], Any] | None
    deny: Iterable[Rule | str]
    allow: Iterable[DenyRule | str] | None
    result_headers: Collection[str] | None
    set_cookie: Literal["forward", "drop"]
    cors: Literal["host", "off"]
    keep_keys: Collection[str]
    hooks: Sequence[BatchHooks]
    error_body: Callable[[BatchError], Any]
    threads: int


_ASANA: BatchOptions = {
    "envelope": "data",
    "body_envelope": "data",
    "action_options": "asana",
    "query_lists": "comma",
    "deny": DEFAULT_DENY,
}
_PLAIN: BatchOptions = {
    "envelope": None,
    "body_envelope": None,
    "action_options": None,
    "query_lists": "repeat",
    "deny": (),
}
STYLES: Mapping[str, BatchOptions] = {"asana": _ASANA, "plain": _PLAIN}

_CHOICES: Mapping[str, tuple[str | None, ...]] = {
    "style": ("asana", "plain"),
    "action_options": ("asana", None),
    "query_lists": ("comma", "repeat"),
    "delete_data": ("query", "body"),
    "set_cookie": ("forward", "drop"),
    "cors": ("host", "off"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchConfig:
    """Every option of a `BatchMiddleware`. Raises `TypeError` or `ValueError` that name the wrong one."""

    path: str = "/batch"
    """The batch route, below the mount point; its folder is the API base (C1)."""
    style: Literal["asana", "plain"] = "asana"
    """`plain` is for hosts without `data` envelopes: it sets the next four and `deny`; single options override it."""
    envelope: str | UnsetType | None = UNSET
    """The member that wraps the batch and its answer; None: `{"actions": []}` in, `{"results": []}` out (C5)."""
    body_envelope: str | UnsetType | None = UNSET
    """The member that wraps an action's `data` as the child's body; None: the body is `data` itself (C14)."""
    action_options: Literal["asana"] | UnsetType | None = UNSET
    """Whether an action may have `options`; None refuses them (C15)."""
    query_lists: Literal["comma", "repeat"] | UnsetType = UNSET
    """How a list becomes a query parameter: `a=1,2` or `a=1&a=2` (C13)."""
    delete_data: Literal["query", "body"] = "query"
    """Where the `data` of a delete goes (C13)."""
    max_actions: int = 10
    """Actions a batch (C6)."""
    max_body_bytes: int = 1 << 20
    """Bytes of the batch request's body (C4)."""
    max_result_bytes: int = 4 << 20
    """Bytes of one response; a larger one is 502 (C26)."""
    max_answer_bytes: int = 16 << 20
    """Bytes of all results together; what would exceed them is 502 (C26)."""
    max_pending: int = 256
    """Actions in flight in this process; a batch that would exceed it is 503 (C42)."""
    parallel: int | None = None
    """Actions of one batch that run at once; None: all of them (C18)."""
    action_timeout: float | UnsetType | None = UNSET
    """Seconds until an action is 504; None: never. 30 on ASGI, None on WSGI, where a thread can't be stopped (C26)."""
    authorize: Callable[[Parent], Any] | None = None
    """Says who sends a batch: returns the principal, a string, or raises `NotAuthorized`. May be async (C8)."""
    deny: Iterable[Rule | str] | UnsetType = UNSET
    """What must not be batched beside the batch route: `DenyRule`s, `"POST /uploads/**"`, functions (C31 to C33)."""
    allow: Iterable[DenyRule | str] | None = None
    """If set, only what it names can be batched, and of that only what `deny` does not name (C33)."""
    result_headers: Collection[str] | None = None
    """If set, only these headers of a response stand in its result (C23)."""
    set_cookie: Literal["forward", "drop"] = "forward"
    """Whether cookies that actions set are set by the batch answer (C24)."""
    cors: Literal["host", "off"] = "host"
    """Whether a cross-origin batch asks the host for its `access-control-*` headers (C24)."""
    keep_keys: Collection[str] = ()
    """Keys of the scope or environ that actions get beside the fixed set, all the same object (C17)."""
    hooks: Sequence[BatchHooks] = ()
    """Told about every action and every batch; see `BatchHooks`."""
    error_body: Callable[[BatchError], Any] = asana_errors
    """Makes the JSON body of an error (C30)."""
    threads: int | UnsetType = UNSET
    """WSGI only: helper threads of this process, 32; 0 runs all actions one by one in the calling thread."""

    # What the options come to.
    dialect: AsanaDialect = field(init=False, repr=False)
    gate: Gate = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value is not UNSET and value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")
        for name, default in STYLES[self.style].items():
            if getattr(self, name) is UNSET:
                object.__setattr__(self, name, default)
        self._check_path()
        self._check_numbers()
        for name in ("envelope", "body_envelope"):
            if not isinstance(getattr(self, name), str | None) or getattr(self, name) == "":
                raise TypeError(f"{name} must be the name of a member, or None, not {getattr(self, name)!r}")
        for name in ("authorize", "error_body"):
            if not callable(value := getattr(self, name)) and not (value is None and name == "authorize"):
                raise TypeError(f"{name} must be a function, not {value!r}")
        for name in ("keep_keys", "result_headers"):
            if (value := getattr(self, name)) is None and name == "result_headers":
                continue
            if isinstance(value, str) or not all(isinstance(item, str) for item in value):
                raise TypeError(f"{name} must be a collection of strings, not {value!r}")
            object.__setattr__(self, name, frozenset(value))
        for hook in self.hooks:
            _check_hook(hook)
        if self.result_headers is not None:
            object.__setattr__(self, "result_headers", frozenset(name.lower() for name in self.result_headers))
        object.__setattr__(self, "deny", _rules("deny", self.deny, functions=True))
        if self.allow is not None:
            object.__setattr__(self, "allow", _rules("allow", self.allow, functions=False))
        object.__setattr__(self, "gate", Gate(self.deny, self.allow, self.path[len(self.base) :]))  # type: ignore[arg-type]  # both were read above
        object.__setattr__(self, "dialect", self._dialect())

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> BatchConfig:
        """A configuration from `app.config["BATCHWARE"]` or `settings.BATCHWARE`: names in any case."""
        return cls(**{name.lower(): value for name, value in known(mapping).items()})

    @cached_property
    def base(self) -> str:
        """The API base: the folder of the batch route, "" at the top."""
        return self.path.rpartition("/")[0]

    @cached_property
    def timeout(self) -> float | None:
        """`action_timeout` in seconds, where a door has said what it is by default."""
        return None if self.action_timeout is UNSET else self.action_timeout

    def _check_path(self) -> None:
        path = self.path
        if not isinstance(path, str):
            raise TypeError(f"path must be a string, not {path!r}")
        segments = path.split("/")
        if segments[0] or len(segments) < 2 or any(segment in ("", ".", "..") for segment in segments[1:]):
            raise ValueError(f"path must be an absolute path without a trailing slash, not {path!r}")
        if any(character in path for character in "%?#;\\") or not path.isprintable():
            raise ValueError(f"path must be decoded, and have no '?', '#', ';' or '\\', not {path!r}")

    def _check_numbers(self) -> None:
        for name, least in {
            "max_actions": 1, "max_body_bytes": 1, "max_result_bytes": 1, "max_answer_bytes": 1, "max_pending": 1,
            "parallel": 1, "threads": 0,
        }.items():  # fmt: skip
            value = getattr(self, name)
            if value is UNSET or (value is None and name == "parallel"):
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number from {least}, not {value!r}")
        if self.max_pending < self.max_actions:
            raise ValueError(
                f"max_pending must be at least max_actions ({self.max_actions}), or a full batch could never run"
            )
        seconds: Any = self.action_timeout
        if seconds is UNSET or seconds is None:
            return
        if not isinstance(seconds, int | float) or seconds <= 0:
            raise ValueError(f"action_timeout must be a number of seconds above 0, or None, not {seconds!r}")

    def _dialect(self) -> AsanaDialect:
        return AsanaDialect(
            envelope=self.envelope,  # type: ignore[arg-type]  # the style has set whatever was left out
            body_envelope=self.body_envelope,  # type: ignore[arg-type]
            action_options=self.action_options,  # type: ignore[arg-type]
            query_lists=self.query_lists,  # type: ignore[arg-type]
            delete_data=self.delete_data,
            result_headers=self.result_headers,  # type: ignore[arg-type]
            error_body=self.error_body,
        )


def configured(config: BatchConfig | None, options: BatchOptions, *, action_timeout: float | None) -> BatchConfig:
    """The configuration of a door: `config`, with `options` over it and the door's own `action_timeout` below both."""
    known(options)
    if config is None:
        config = BatchConfig(**options)
    elif not isinstance(config, BatchConfig):
        raise TypeError(f"config must be a BatchConfig, not {config!r}")
    elif options:
        config = dataclasses.replace(config, **options)
    if config.action_timeout is UNSET:
        config = dataclasses.replace(config, action_timeout=action_timeout)
    return config


def known(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """`options`, if each is an option of `BatchConfig` (in any case); raises `TypeError` with the nearest name."""
    names = BatchOptions.__annotations__
    for name in options:
        if name.lower() not in names:
            near = difflib.get_close_matches(name.lower(), names, n=1)
            raise TypeError(f"{name!r} is no option of batchware{f'; did you mean {near[0]!r}?' if near else ''}")
    return options


def _check_hook(hook: Any) -> None:
    if not isinstance(hook, BatchHooks):
        raise TypeError(f"hooks must be instances of BatchHooks; {hook!r} is not")


def _rules(name: str, rules: Any, *, functions: bool) -> tuple[Rule, ...]:
    if isinstance(rules, str | DenyRule) or not isinstance(rules, Iterable):
        raise TypeError(f"{name} must be a list of rules, not {rules!r}")
    read: list[Rule] = []
    for rule in rules:
        try:
            read.append(DenyRule.parse(rule) if isinstance(rule, str) else rule)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        if not isinstance(read[-1], DenyRule) and not (functions and callable(rule)):
            raise TypeError(f"{name}: {rule!r} is neither a DenyRule nor a string{' nor a function' * functions}")
    return tuple(read)
