"""A survey as text for people and as JSON for programs."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, cast

from ..config import BatchConfig
from ..contract.deny import DEFAULT_DENY, DenyRule
from ..contract.limits import Concurrency, Quota
from .findings import Finding
from .frameworks import name_of
from .survey import ORDER, Survey, Verdict

WIDTH = 110
ANYIO_THREADS = 40  # what anyio lends to plain functions, one pool for the whole process


def as_text(target: str, surveys: list[Survey], found: list[Finding]) -> str:
    """All of it, for a terminal."""
    lines = [target]
    for survey in surveys:
        lines += ["", *_facts(survey), *_tables(survey)]
    if found:
        lines += ["", "To look at"]
        labels = [f"{finding.level.ljust(7)}  {finding.name}" for finding in found]
        width = max(map(len, labels))
        for label, finding in zip(labels, found, strict=True):
            lines += _wrapped(label.ljust(width), finding.message, width)
    return "\n".join([*lines, "", _summary(found)])


def _summary(found: list[Finding]) -> str:
    counts = Counter(finding.level for finding in found)
    parts = [
        f"{counts[level]} {level}{'s' if counts[level] > 1 else ''}"
        for level in ("error", "warning", "note")
        if counts[level]
    ]
    return ", ".join(parts) if parts else "nothing looks wrong"


def _wrapped(label: str, text: str, width: int) -> list[str]:
    indent = " " * (width + 4)
    return textwrap.wrap(text, WIDTH, initial_indent=f"  {label}  ", subsequent_indent=indent, break_on_hyphens=False)


def _facts(survey: Survey) -> Iterator[str]:
    config = survey.config
    outside = ", ".join(layer.name for layer in survey.outside) or "nothing"
    facts = {
        "batch route": f"POST {survey.mount}{config.path}, around {', '.join(survey.frameworks)} ({survey.door})",
        "paths": f"relative to {survey.mount}{config.base or '/'}, at most {config.max_actions} actions a batch",
        "who": "anybody" if config.authorize is None else _named(config.authorize),
        "outside": f"{outside} (sees one request, the batch; no action passes through)"
        if survey.outside
        else "nothing",
        "inside": f"{', '.join(survey.inside)} (every action passes through)" if survey.inside else "the host",
        "parallel": _parallel(survey),
        "limits": "; ".join(_limit(rule) for rule in config.limits) or "none",
        "rules": _rules(config),
        "areas": ", ".join(f"{area} ({count})" for area, count in survey.areas.items()) or "none",
    }
    if survey.verdicts is None:
        del facts["areas"]
    width = max(map(len, facts))
    for label, text in facts.items():
        yield from _wrapped(label.ljust(width), text, width)


def _named(function: Any) -> str:
    name = name_of(function)
    return name.partition(".")[0] if name.startswith("require_header.") else name


def _parallel(survey: Survey) -> str:
    config = survey.config
    cap = (
        f"at most {config.parallel} actions of a batch at once" if config.parallel else "all actions of a batch at once"
    )
    if survey.door == "WSGI":
        threads = config.threads if isinstance(config.threads, int) else _default_threads()
        if not threads:
            return "no: one by one, in the calling thread (threads=0)"
        return f"{cap}, on the calling thread and {threads} threads that all batches of a process share"
    kinds = Counter({endpoint.path: endpoint.kind for endpoint in (v.endpoint for v in survey.batched)}.values())
    said = [cap]
    if kinds["async"]:
        said.append(f"{kinds['async']} paths are coroutines")
    if kinds["sync"]:
        said.append(f"{kinds['sync']} are plain functions, {_where_sync(survey)}")
    if kinds["blocking"]:
        said.append(f"{kinds['blocking']} are plain functions that block the event loop, one after the other")
    return "; ".join(said)


def _default_threads() -> int:
    return int(sys.modules["batchware.wsgi"].THREADS)


def _where_sync(survey: Survey) -> str:
    framework = survey.frameworks[0]
    if framework == "Django":
        return "each action in a thread of its own"
    if framework == "Quart":
        return "in the threads of the event loop's executor"
    batches = ANYIO_THREADS // survey.config.max_actions
    full = f"{batches} full batch{'es' if batches > 1 else ''} fill them" if batches else "one full batch fills them"
    return f"in the {ANYIO_THREADS} threads that anyio has for the whole process: {full}"


def _limit(rule: Any) -> str:
    if isinstance(rule, Quota):
        return f"{rule.name} {rule.limit} in {rule.per:g} s"
    if isinstance(rule, Concurrency):
        return f"{rule.name} {rule.limit} in flight"
    return f"{rule.name} (the host's own)"


def _rules(config: BatchConfig) -> str:
    deny = cast("tuple[Any, ...]", config.deny)
    said = [
        "the default deny rules" if deny == DEFAULT_DENY else f"{len(deny)} deny rules" if deny else "no deny rules"
    ]
    if functions := [rule for rule in deny if not isinstance(rule, DenyRule)]:
        said.append(f"{len(functions)} of them functions, which decide as they are asked")
    if config.allow is not None:
        said.append(f"{len(cast('tuple[Any, ...]', config.allow))} allow rules")
    return ", ".join(said)


def _tables(survey: Survey) -> Iterator[str]:
    if survey.verdicts is None:
        return
    for title, verdicts in (("Can be batched", survey.batched), ("Cannot be batched", survey.refused)):
        if not verdicts:
            continue
        yield ""
        yield _counted(title, verdicts)
        rows = _rows(verdicts)
        widths = [min(max(len(row[column]) for row in rows), most) for column, most in ((0, 28), (1, 60))]
        if any(verdict.endpoint.methods is None for verdict in verdicts):
            yield "  (which methods a plain function takes can't always be told; then all of them are listed)"
        for methods, path, rest in rows:
            yield f"  {methods.ljust(widths[0])}  {path.ljust(widths[1])}  {rest}".rstrip()


def _counted(title: str, verdicts: list[Verdict]) -> str:
    count = len({verdict.endpoint.path for verdict in verdicts})
    return f"{title}: {count} path{'s' if count > 1 else ''}"


def _rows(verdicts: list[Verdict]) -> list[tuple[str, str, str]]:
    """Methods, path, and why not or which limits; methods of a path that share the last are one row."""
    rows: dict[tuple[str, str], set[str]] = {}
    for verdict in sorted(verdicts, key=lambda verdict: verdict.endpoint.path):
        rest = verdict.why or ", ".join(verdict.limits)
        rows.setdefault((verdict.endpoint.path, rest), set()).update(verdict.methods)
    return [
        ("any" if len(methods) == len(ORDER) else ",".join(one for one in ORDER if one in methods), path, rest)
        for (path, rest), methods in rows.items()
    ]


def as_json(target: str, surveys: list[Survey], found: list[Finding]) -> dict[str, Any]:
    """The same, as values that `json` writes. Members are added, never renamed."""
    return {
        "application": target,
        "batch_routes": [_one(survey) for survey in surveys],
        "findings": [{"level": one.level, "name": one.name, "message": one.message} for one in found],
    }


def _one(survey: Survey) -> dict[str, Any]:
    config = survey.config
    return {
        "path": survey.mount + config.path,
        "base": survey.mount + config.base,
        "door": survey.door.lower(),
        "frameworks": list(survey.frameworks),
        "max_actions": config.max_actions,
        "authorize": None if config.authorize is None else _named(config.authorize),
        "outside": [layer.name for layer in survey.outside],
        "inside": list(survey.inside),
        "parallel": _parallel(survey),
        "limits": [rule.name for rule in config.limits],
        "areas": survey.areas,
        "endpoints": None if survey.verdicts is None else list(_endpoints(survey.verdicts)),
    }


def _endpoints(verdicts: Iterable[Verdict]) -> Iterator[dict[str, Any]]:
    for verdict in verdicts:
        yield {
            "path": verdict.endpoint.path,
            "methods": list(verdict.methods),
            "handler": verdict.endpoint.name,
            "runs": verdict.endpoint.kind,
            "batched": verdict.why is None,
            "why": verdict.why,
            "limits": list(verdict.limits),
        }
