"""What batches come to for one application: its batch routes, and what becomes of each endpoint there."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ..config import BatchConfig
from ..contract.deny import METHODS, DenyRule, Gate, name_of
from ..contract.limits import Concurrency, Quota
from ..contract.model import Action, Parent
from .chain import Chain, Layer, chains
from .endpoints import Endpoint
from .frameworks import framework_of
from .routers import endpoints_of, inner_middleware

ORDER = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Verdict:
    """What becomes of one endpoint with some of its methods: `why` it can't be batched, or None, and what counts it."""

    endpoint: Endpoint
    methods: tuple[str, ...]
    relative: str
    """Its path below the API base, or "" where it is not below it."""
    why: str | None
    limits: tuple[str, ...]


@dataclass(frozen=True)
class Survey:
    """One batch route. `verdicts` is None where the host's routes can't be told."""

    middleware: Any
    mount: str
    outside: tuple[Layer, ...]
    inside: tuple[str, ...]
    hosts: tuple[Layer, ...]
    verdicts: tuple[Verdict, ...] | None

    @property
    def config(self) -> BatchConfig:
        return cast("BatchConfig", self.middleware.config)

    @property
    def door(self) -> str:
        return "ASGI" if type(self.middleware).__module__.endswith("asgi") else "WSGI"

    @property
    def frameworks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(framework_of(host.node) or "unknown framework" for host in self.hosts))

    @property
    def batched(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts or () if verdict.why is None]

    @property
    def refused(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts or () if verdict.why is not None]

    @property
    def areas(self) -> dict[str, int]:
        """First segments of what can be batched, with the number of endpoints below each."""
        found: dict[str, set[str]] = {}
        for verdict in self.batched:
            found.setdefault("/" + verdict.relative.split("/")[1], set()).add(verdict.endpoint.path)
        return {area: len(paths) for area, paths in sorted(found.items())}


def survey(app: Any) -> tuple[list[Survey], list[Layer]]:
    """The batch routes of an application, and the layers that could not be made, each with what is wrong."""
    found: dict[int, list[tuple[Chain, int]]] = {}
    wrong: dict[int, Layer] = {}
    for chain in chains(app):
        for at, layer in enumerate(chain):
            if layer.wrong is not None:
                wrong[id(layer.node)] = layer
            if layer.is_batch:
                found.setdefault(id(layer.node), []).append((chain, at))
    return [_survey(places) for places in found.values()], list(wrong.values())


def _survey(places: Sequence[tuple[Chain, int]]) -> Survey:
    chain, at = places[0]
    batch = chain[at]
    hosts = [chain[-1] for chain, _ in places]
    inside = dict.fromkeys(layer.name for chain, at in places for layer in chain[at + 1 : -1])
    inside |= dict.fromkeys(name for host in hosts for name in inner_middleware(host.node))
    verdicts: list[Verdict] | None = []
    for host in hosts:
        endpoints = endpoints_of(host.node)
        if endpoints is None:
            verdicts = None if len(hosts) == 1 else verdicts
        elif verdicts is not None:
            verdicts += _verdicts(batch.node.config, endpoints, host.mount[len(batch.mount) :])
    # A framework's application above it only says where it is mounted.
    outside = tuple(layer for layer in chain[:at] if framework_of(layer.node) is None)
    return Survey(
        batch.node, batch.mount, outside, tuple(inside), tuple(hosts), None if verdicts is None else tuple(verdicts)
    )


def _verdicts(config: BatchConfig, endpoints: Iterable[Endpoint], mount: str) -> list[Verdict]:
    judge = _Judge(config)
    verdicts: list[Verdict] = []
    for endpoint in endpoints:
        methods = METHODS if endpoint.methods is None else endpoint.methods & METHODS
        if "GET" in methods and endpoint.methods is not None:
            methods -= {"HEAD"}  # which comes with it
        groups: dict[tuple[str, str | None, tuple[str, ...]], list[str]] = {}
        for method in (method for method in ORDER if method in methods):
            groups.setdefault(judge.verdict(endpoint, mount, method), []).append(method)
        verdicts += [
            Verdict(endpoint, tuple(methods), relative, why, limits)
            for (relative, why, limits), methods in groups.items()
        ]
    return verdicts


class _Judge:
    """Holds endpoints against the rules that are patterns; a rule that is a function decides when it is asked."""

    def __init__(self, config: BatchConfig) -> None:
        self._config = config
        patterns = [rule for rule in cast("tuple[Any, ...]", config.deny) if isinstance(rule, DenyRule)]
        allow = None if config.allow is None else cast("tuple[DenyRule, ...]", config.allow)
        self._gate = Gate(patterns, allow, config.path[len(config.base) :])
        self._parent = Parent("POST", config.path, "", "http", (), None, {})

    def verdict(self, endpoint: Endpoint, mount: str, method: str) -> tuple[str, str | None, tuple[str, ...]]:
        """The path below the API base, why it can't be batched, and the limits that count it."""
        config = self._config
        path, sample = mount + endpoint.path, mount + endpoint.sample
        if not sample.startswith(config.base + "/"):
            return "", f"not below {config.base}", ()
        action = Action(0, method, sample[len(config.base) :])
        limits = tuple(
            rule.name
            for rule in config.limits
            if not isinstance(rule, Quota | Concurrency) or rule.counts(action)  # a host's own are asked as they run
        )
        why: str | None = None
        if ruling := self._gate.ruling(action, self._parent):
            why = "the batch route itself" if sample == config.path else name_of(ruling[1])
        elif endpoint.guarded(method):
            why = "its handler is not_batchable"
        return path[len(config.base) :], why, limits


def listed_in_django() -> str | None:
    """The entry of Django's `MIDDLEWARE` that is batchware, where it must not be."""
    settings: Any = getattr(sys.modules.get("django.conf"), "settings", None)
    if settings is None or not settings.configured:
        return None
    return next((str(entry) for entry in settings.MIDDLEWARE if "batchware" in str(entry).lower()), None)
