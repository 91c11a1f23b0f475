"""What an option may be: each check raises `TypeError` or `ValueError` with the option's name and what is allowed."""

from __future__ import annotations

from typing import Any, cast

from msgspec import UNSET

from .contract.charges import HostLimits
from .contract.deny import DenyRule, Rule
from .contract.hooks import BatchHooks
from .contract.limiter import AsyncLimiter, Limiter
from .contract.limits import Concurrency, Quota
from .contract.logger import log
from .contract.nesting import ENVIRON_KEY, SCOPE_KEY


def check_path(path: Any) -> None:
    if not isinstance(path, str):
        raise TypeError(f"path must be a string, not {path!r}")
    segments = path.split("/")
    if segments[0] or len(segments) < 2 or any(segment in ("", ".", "..") for segment in segments[1:]):
        raise ValueError(f"path must be an absolute path without a trailing slash, not {path!r}")
    if any(character in path for character in "%?#;\\") or not path.isprintable():
        raise ValueError(f"path must be decoded, and have no '?', '#', ';' or '\\', not {path!r}")


_LEAST = {
    "max_actions": 1,
    "max_body_bytes": 1,
    "max_result_bytes": 1,
    "max_answer_bytes": 1,
    "max_pending": 1,
    "parallel": 1,
    "threads": 0,
}


def check_numbers(config: Any) -> None:
    for name, least in _LEAST.items():
        value = getattr(config, name)
        if value is UNSET or (value is None and name == "parallel"):
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} must be a whole number from {least}, not {value!r}")
    if config.max_pending < config.max_actions:
        raise ValueError(
            f"max_pending must be at least max_actions ({config.max_actions}), or a full batch could never run"
        )
    seconds: Any = config.action_timeout
    if seconds is UNSET or seconds is None:
        return
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < float("inf"):
        raise ValueError(f"action_timeout must be a number of seconds above 0, or None, not {seconds!r}")


def check_member(name: str, value: Any) -> None:
    if value is not None and (not isinstance(value, str) or not value):
        raise TypeError(f"{name} must be the name of a member, or None, not {value!r}")


def check_limits(limits: Any, limiter: Any, max_actions: int) -> None:
    if isinstance(limits, str) or not all(isinstance(rule, Quota | Concurrency | HostLimits) for rule in limits):
        raise TypeError(f"limits must be Quotas and Concurrencys, not {limits!r}")
    names = [rule.name for rule in limits]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"limits: {twice[0]!r} is the name of two limits; counters are kept by name")
    if limiter is not None and not limits:
        raise ValueError("limiter: there are no limits for it to keep")
    if limiter is not None and not isinstance(limiter, Limiter | AsyncLimiter):
        raise TypeError(f"limiter must have acquire, release, renew and blocking; {limiter!r} has not")
    for rule in limits:
        if isinstance(rule, Quota | Concurrency) and rule.limit < max_actions:
            log.warning("the limit %s (%d) can never admit a batch of %d", rule.name, rule.limit, max_actions)


def check_hooks(hooks: Any) -> None:
    if not isinstance(hooks, list | tuple):
        raise TypeError(f"hooks must be a list of BatchHooks, not {hooks!r}")
    for hook in cast("list[Any]", hooks):
        if not isinstance(hook, BatchHooks):
            raise TypeError(f"hooks must be instances of BatchHooks; {hook!r} is not")


def names_in(name: str, value: Any) -> frozenset[str]:
    items: list[Any] = list(value) if hasattr(value, "__iter__") else [None]
    if isinstance(value, str) or not all(isinstance(item, str) for item in items):
        raise TypeError(f"{name} must be a collection of strings, not {value!r}")
    return frozenset(items)


_OF_THE_CHILD = frozenset(
    {
        "type", "method", "path", "raw_path", "query_string", "headers", SCOPE_KEY, "REQUEST_METHOD", "PATH_INFO",
        "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH", "wsgi.input", "wsgi.input_terminated", "wsgi.file_wrapper",
        ENVIRON_KEY,
    }
)  # fmt: skip


def keys_in(name: str, value: Any) -> frozenset[str]:
    """Keys of a scope or environ that actions may share (C17); what makes a request this one is not among them."""
    keys = names_in(name, value)
    if wrong := sorted(keys & _OF_THE_CHILD):
        raise ValueError(f"{name}: {wrong[0]!r} is each action's own, and can't be kept")
    return keys


def rules_in(name: str, rules: Any) -> tuple[Rule, ...]:
    if not isinstance(rules, list | tuple | set | frozenset):
        raise TypeError(f"{name} must be a list of rules, not {rules!r}")
    return tuple(_rule(name, rule) for rule in cast("list[Any]", rules))


def _rule(name: str, rule: Any) -> Rule:
    if isinstance(rule, str):
        try:
            return DenyRule.parse(rule)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    if isinstance(rule, DenyRule) or callable(rule):
        return cast("Rule", rule)
    raise TypeError(f"{name}: {rule!r} is neither a DenyRule nor a string nor a function")
