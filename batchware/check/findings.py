"""What looks wrong about the batches of an application: errors don't work, warnings want a second look, notes tell.

Each has a name that stays, so that a warning which has been looked at can be ignored by it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from ..contract.deny import BATCH_ROUTE, DEFAULT_DENY, DenyRule, name_of
from ..contract.limits import Concurrency, Quota, by_principal
from ..limiters.memory import MemoryLimiter
from .chain import Layer
from .endpoints import overlaps
from .survey import Survey, Verdict, listed_in_django

Level = Literal["error", "warning", "note"]

_UPLOADS = re.compile(r"(?i)(^|[-_])(uploads?|attachments?|files?|images?|media|imports?|avatars?|photos?)$")
_INTERNAL = re.compile(
    r"(?i)^(admin|internal|debug|metrics|health(z|check)?|livez|readyz|status|actuator|private|management|__.*)$"
)
_OUTSIDE = re.compile(
    r"(?i)auth|session|csrf|permission|login|limit|throttl|tenant|instrument|telemetry|sentry|trac(e|ing)"
)


@dataclass(frozen=True)
class Finding:
    """One thing to look at."""

    level: Level
    name: str
    message: str


def findings(surveys: list[Survey], wrong: list[Layer]) -> list[Finding]:
    """Of all batch routes of an application, the worst first."""
    found = [Finding("error", "wrong-option", f"the middleware can't be made: {layer.wrong}") for layer in wrong]
    if entry := listed_in_django():
        message = f"{entry} is listed in Django's MIDDLEWARE: wrap the application in asgi.py or wsgi.py instead"
        found.append(Finding("error", "django-middleware", message))
    if not surveys and not found:
        message = "no BatchMiddleware was found around this application, or in it"
        found.append(Finding("error", "no-batch-route", message))
    for survey in surveys:
        for look in _LOOKS:
            found += look(survey)
    levels: tuple[Level, ...] = ("error", "warning", "note")
    return sorted(dict.fromkeys(found), key=lambda finding: levels.index(finding.level))


def _authorize(survey: Survey) -> Iterator[Finding]:
    config = survey.config
    name = getattr(config.authorize, "__qualname__", "")
    if config.authorize is None:
        message = (
            "authorize is not set: whoever reaches the batch route can send batches, and each action answers for itself"
        )
        yield Finding("warning", "no-authorize", message)
    elif name.startswith("require_header.") and any(getattr(rule, "key", 0) is by_principal for rule in config.limits):
        message = "limits are counted by a header that require_header does not check; whoever makes one up has new ones"
        yield Finding("warning", "unchecked-principal", message)


def _routes(survey: Survey) -> Iterator[Finding]:
    if survey.verdicts is None:
        message = "the routes of this application can't be read here; what can be batched is not known"
        yield Finding("note", "unknown-routes", message)
        return
    if not survey.batched:
        message = f"nothing can be batched: no endpoint is below {survey.config.base or '/'} that is not refused"
        yield Finding("error", "nothing-to-batch", message)
    route = survey.config.path[len(survey.config.base) :]
    for verdict in survey.verdicts:
        if "POST" in verdict.methods and "..." not in verdict.relative and overlaps(route, verdict.relative):
            message = f"POST {survey.config.path} was for the host's {verdict.endpoint.path}; now it is the batch route"
            yield Finding("warning", "route-is-taken", message)


def _rules(survey: Survey) -> Iterator[Finding]:
    if survey.verdicts is None:
        return
    for option, rules in (("deny", survey.config.deny), ("allow", survey.config.allow or ())):
        for rule in cast("tuple[Any, ...]", rules):
            if not isinstance(rule, DenyRule) or rule in DEFAULT_DENY or rule.path == BATCH_ROUTE:
                continue
            if not any(_names(rule, verdict) for verdict in survey.verdicts):
                what = name_of(rule).removeprefix("the deny rule ")
                yield Finding("warning", f"{option}-without-route", f"{option}: {what} names no route of the host")


def _names(rule: DenyRule, verdict: Verdict) -> bool:
    if not verdict.relative or (rule.methods is not None and not set(rule.methods) & set(verdict.methods)):
        return False
    return overlaps(rule.path, verdict.relative)


def _areas(survey: Survey) -> Iterator[Finding]:
    for verdict in survey.batched:
        sends = [
            method for method in verdict.methods if method == "POST" or (method == "PUT" and verdict.endpoint.methods)
        ]
        if sends and (verdict.endpoint.takes_files or _UPLOADS.search(verdict.relative.rstrip("/").rpartition("/")[2])):
            message = f"{','.join(sends)} {verdict.relative} looks like an upload; a batch holds JSON, so deny it"
            yield Finding("warning", "upload-not-denied", message)
    for area, count in survey.areas.items():
        if _INTERNAL.fullmatch(area[1:]):
            message = (
                f"{area} ({count} endpoint{'s' if count > 1 else ''}) can be reached through {survey.config.path}: "
                "what guards it by its path in front of the application does not see it"
            )
            yield Finding("warning", "internal-area", message)


def _outside(survey: Survey) -> Iterator[Finding]:
    for layer in survey.outside:
        if not layer.is_batch and _OUTSIDE.search(layer.name):
            message = f"{layer.name} stands outside of the batch route: it sees the batch, no action passes through it"
            yield Finding("warning", "skipped-middleware", message)


def _limits(survey: Survey) -> Iterator[Finding]:
    config = survey.config
    for rule in config.limits:
        if isinstance(rule, Quota | Concurrency) and rule.limit < config.max_actions:
            message = f"the limit {rule.name} ({rule.limit}) can never admit a batch of {config.max_actions}"
            yield Finding("warning", "limit-too-small", message)
    own = any(isinstance(rule, Quota | Concurrency) for rule in config.limits)
    if own and (config.limiter is None or isinstance(config.limiter, MemoryLimiter)):
        several = (os.environ.get("WEB_CONCURRENCY") or "1") not in ("0", "1")
        message = "limits are counted in memory, so each worker process has its own: with several, share a Redis"
        yield Finding("warning" if several else "note", "limits-in-memory", message)


def _running(survey: Survey) -> Iterator[Finding]:
    kinds = [verdict.endpoint.kind for verdict in survey.batched]
    threads = survey.config.threads
    if survey.door == "WSGI" and threads == 0:
        yield Finding("warning", "one-by-one", "threads=0: the actions of a batch run one by one")
    if survey.door == "WSGI" and survey.config.timeout is None:
        message = "action_timeout is not set: a batch waits for its slowest action, as long as the server lets it"
        yield Finding("note", "no-timeout", message)
    if count := kinds.count("blocking"):
        message = f"{count} endpoints are plain functions on the event loop: they hold up all others while they run"
        yield Finding("warning", "blocking-handlers", message)
    if survey.door == "ASGI" and "Django" in survey.frameworks and "sync" in kinds:
        yield from _persistent()


def _persistent() -> Iterator[Finding]:
    settings: Any = sys.modules["django.conf"].settings
    for alias, database in settings.DATABASES.items():
        if database.get("CONN_MAX_AGE", 0) != 0:
            message = (
                f"DATABASES[{alias!r}] keeps connections (CONN_MAX_AGE): under ASGI each synchronous view has a thread "
                "of its own, and a connection that is kept there is never used again"
            )
            yield Finding("warning", "persistent-connections", message)


_LOOKS: tuple[Callable[[Survey], Iterator[Finding]], ...] = (
    _authorize, _routes, _rules, _areas, _outside, _limits, _running,
)  # fmt: skip
