"""BatchConfig: every option of batchware, checked once, when the application starts.

A wrong option fails there and names itself, never at the first request. What the options mean at run time (the
dialect, the compiled gate) is made here too, so that a request finds everything ready.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, cast

from msgspec import UNSET, UnsetType

from .checks import check_hooks, check_limits, check_member, check_numbers, check_path, keys_in, names_in, rules_in
from .contract.charges import HostLimits
from .contract.deny import DEFAULT_DENY, DenyRule, Gate, Rule
from .contract.errors import BatchError, asana_errors
from .contract.hooks import BatchHooks
from .contract.limiter import AsyncLimiter, Limiter
from .contract.limits import Limit
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
    limits: Sequence[Limit | HostLimits]
    limiter: Limiter | AsyncLimiter | None
    count_direct: bool
    limiter_down_batch: Literal["refuse", "pass"]
    limiter_down_direct: Literal["refuse", "pass"]
    ratelimit_headers: bool
    result_headers: Collection[str] | None
    set_cookie: Literal["forward", "drop"]
    cors: Literal["host", "off"]
    keep_keys: Collection[str]
    server_timing: bool
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

_CHOICES: Mapping[str, tuple[str | bool | None, ...]] = {
    "style": ("asana", "plain"),
    "action_options": ("asana", None),
    "query_lists": ("comma", "repeat"),
    "delete_data": ("query", "body"),
    "set_cookie": ("forward", "drop"),
    "cors": ("host", "off"),
    "limiter_down_batch": ("refuse", "pass"),
    "limiter_down_direct": ("refuse", "pass"),
    "count_direct": (True, False),
    "ratelimit_headers": (True, False),
    "server_timing": (True, False),
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
    """If set, only what it names can be batched, and of that only what `deny` does not name (C33).

    Set it wherever something in front decides by path: it sees the batch route alone."""
    limits: Sequence[Limit | HostLimits] = ()
    """`Quota`s and `Concurrency`s that batched actions and direct requests share (C35 to C40)."""
    limiter: Limiter | AsyncLimiter | None = None
    """Where charges are counted; None: a `MemoryLimiter`, right for one process."""
    count_direct: bool = True
    """Whether the middleware charges direct requests too; if not, something else must (C37)."""
    limiter_down_batch: Literal["refuse", "pass"] = "refuse"
    """What becomes of a batch while the store of the limits is away: 503, or it runs uncounted (C41)."""
    limiter_down_direct: Literal["refuse", "pass"] = "pass"
    """The same for a direct request (C41)."""
    ratelimit_headers: bool = False
    """Whether answers that were counted carry `RateLimit` and `RateLimit-Policy` (C40)."""
    result_headers: Collection[str] | None = None
    """If set, only these headers of a response stand in its result (C23)."""
    set_cookie: Literal["forward", "drop"] = "forward"
    """Whether cookies that actions set are set by the batch answer (C24)."""
    cors: Literal["host", "off"] = "host"
    """Whether a cross-origin batch asks the host for its `access-control-*` headers (C24)."""
    keep_keys: Collection[str] = ()
    """Keys of the scope or environ that actions get beside the fixed set, all the same object (C17)."""
    server_timing: bool = False
    """Whether the answer says in `Server-Timing` how long each action took, for a browser's developer tools."""
    hooks: Sequence[BatchHooks] = ()
    """Told about every action and every batch; see `BatchHooks`."""
    error_body: Callable[[BatchError], Any] = asana_errors
    """Makes the JSON body of an error (C30)."""
    threads: int | UnsetType = UNSET
    """WSGI only: helper threads of this process, 32; 0 runs all actions one by one in the calling thread."""

    # What the options come to.
    styled: tuple[str, ...] = field(init=False, repr=False)
    """The options that the style has set, since nobody named them."""
    base: str = field(init=False, repr=False)
    """The API base: the folder of the batch route, "" at the top."""
    timeout: float | None = field(init=False, repr=False)
    """`action_timeout`, where a door has said what it is by default."""
    dialect: AsanaDialect = field(init=False, repr=False)
    gate: Gate = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value is not UNSET and value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")
        styled = [name for name in STYLES[self.style] if getattr(self, name) is UNSET]
        for name in styled:
            self._set(name, STYLES[self.style][name])  # type: ignore[literal-required]  # one of its keys
        self._set("styled", tuple(styled))
        check_path(self.path)
        check_numbers(self)
        check_limits(self.limits, self.limiter, self.max_actions)
        for name in ("envelope", "body_envelope"):
            check_member(name, getattr(self, name))
        if self.authorize is not None and not callable(self.authorize):
            raise TypeError(f"authorize must be a function, not {self.authorize!r}")
        if not callable(self.error_body):
            raise TypeError(f"error_body must be a function, not {self.error_body!r}")
        check_hooks(self.hooks)
        self._set("keep_keys", keys_in("keep_keys", self.keep_keys))
        if self.result_headers is not None:
            headers = names_in("result_headers", self.result_headers)
            self._set("result_headers", frozenset(name.lower() for name in headers))
        self._set("deny", rules_in("deny", self.deny))
        if self.allow is not None:
            self._set("allow", rules_in("allow", self.allow))
            if functions := [rule for rule in self.allow if not isinstance(rule, DenyRule)]:
                raise TypeError(f"allow: {functions[0]!r} is neither a DenyRule nor a string")
        self._set("base", self.path.rpartition("/")[0])
        self._set("timeout", None if self.action_timeout is UNSET else self.action_timeout)
        self._set("gate", self._gate())
        self._set("dialect", self._dialect())

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # frozen is for those who use it

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> BatchConfig:
        """A configuration from `app.config["BATCHWARE"]` or `settings.BATCHWARE`: names in any case."""
        return cls(**{name.lower(): value for name, value in known(mapping).items()})

    def _gate(self) -> Gate:
        allow = None if self.allow is None else cast("tuple[DenyRule, ...]", self.allow)
        return Gate(cast("tuple[Rule, ...]", self.deny), allow, self.path[len(self.base) :])

    def _dialect(self) -> AsanaDialect:
        return AsanaDialect(
            # The style has set what was left out.
            envelope=cast("str | None", self.envelope),
            body_envelope=cast("str | None", self.body_envelope),
            action_options=cast('Literal["asana"] | None', self.action_options),
            query_lists=cast('Literal["comma", "repeat"]', self.query_lists),
            delete_data=self.delete_data,
            result_headers=cast("frozenset[str] | None", self.result_headers),
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
        left_to_style: Any = dict.fromkeys(config.styled, UNSET)  # which may be another one now
        config = dataclasses.replace(config, **(left_to_style | options))
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
