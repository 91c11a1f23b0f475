"""`POST` on the batch route as an OpenAPI operation: parameters, answers, security, and an example that can be sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..config import BatchConfig
from ..contract.deny import DenyRule, Gate
from ..contract.model import Action, Layout, Parent
from .schemas import Json, request_and_answer

_SHOWN = 2  # actions in an example
_RETRY = {"Retry-After": {"description": "Whole seconds.", "schema": {"type": "integer"}}}
_DESCRIPTION = """\
Sends up to {most} requests at once. Each action is answered as the same request would be if it were sent directly, with
the credentials of the batch; the actions run in parallel, and the results stand in their order. The answer is 200 even
if every action has failed."""


def make(config: BatchConfig, ref_template: str, document: Mapping[str, Any], security: Any) -> tuple[Json, Json]:
    """The path item, and the schemas that it refers to. `document` is the host's, as far as there is one."""
    request, answer, error, components = request_and_answer(config, ref_template)
    actions = list(_reads(document, config)) or _invented(config)
    written: Json = {"actions": actions}
    example = {config.envelope: written} if config.envelope else written
    operation: Json = {
        "operationId": "batch",
        "tags": ["batch"],
        "summary": "Send several requests as one",
        "description": _DESCRIPTION.format(most=config.max_actions),
        "parameters": _PARAMETERS,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": request,
                    "examples": {"batch": {"summary": f"{len(actions)} actions", "value": example}},
                }
            },
        },
        "responses": _responses(config, answer, error),
    }
    if security is None:
        security = _as_host(document, config)
    if security:
        operation["security"] = security
    return {"post": operation}, components


_PARAMETERS = [
    {
        "name": "opt_pretty",
        "in": "query",
        "description": "Indent the answer.",
        "schema": {"type": "boolean"},
    },
    {
        "name": "opt_fields",
        "in": "query",
        "description": "Only these members of each result.",
        "style": "form",
        "explode": False,
        "schema": {"type": "array", "items": {"type": "string", "enum": list(Layout().fields)}},
    },
]


def _responses(config: BatchConfig, answer: Json, error: Json) -> Json:
    said = {
        "400": "The body is no batch. Nothing has run.",
        "413": f"The body has more than {config.max_body_bytes} bytes.",
        "415": "The body is not plain `application/json`.",
        "503": "Too much is going on; try again later. Nothing has run.",
    }
    if config.authorize is not None:
        said |= {"401": "Nobody is known to have sent the batch.", "403": "Whoever sent the batch may not."}
    if config.limits:
        said["429"] = "The batch would exceed a limit. Nothing has run, and nothing is spent."
    responses: Json = {
        "200": {"description": "The results.", "content": {"application/json": {"schema": answer}}},
    }
    for status, description in sorted(said.items()):
        responses[status] = {"description": description, "content": {"application/json": {"schema": error}}}
        if status in ("429", "503"):
            responses[status]["headers"] = _RETRY
    return responses


def _as_host(document: Mapping[str, Any], config: BatchConfig) -> list[Json]:
    """Any of the host's security schemes: actions have the credentials of the batch."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    found: list[Json] = [{name: []} for name in schemes]
    return [*found, {}] if found and config.authorize is None else found


# --- an example: reads that the host has


def _reads(document: Mapping[str, Any], config: BatchConfig) -> Iterator[Json]:
    """GETs of the host that can be batched; those without parameters first, a parameter being 1."""
    gate = Gate(
        [rule for rule in config.deny if isinstance(rule, DenyRule)],  # type: ignore[union-attr]  # the style has set it
        None if config.allow is None else [rule for rule in config.allow if isinstance(rule, DenyRule)],
        config.path[len(config.base) :],
    )
    parent = Parent("POST", config.path, "", "http", (), None, {})
    paths = [path for path, item in document.get("paths", {}).items() if _is_plain_read(item)]
    below = [path[len(config.base) :] for path in paths if path.startswith(config.base + "/")]
    left = _SHOWN
    for path in sorted(below, key=lambda path: path.count("{")):
        filled = re.sub(r"\{[^}]*\}", "1", path)
        if left and gate.refusal(Action(0, "GET", filled, filled), parent) is None:
            left -= 1
            yield {"method": "get", "relative_path": filled}


def _is_plain_read(item: Mapping[str, Any]) -> bool:
    """Whether it is a GET that needs nothing but its path."""
    if "get" not in item:
        return False
    parameters: Sequence[Any] = [*item.get("parameters", ()), *item["get"].get("parameters", ())]
    return all(parameter.get("in") == "path" or not parameter.get("required") for parameter in parameters)


def _invented(config: BatchConfig) -> list[Json]:
    read: Json = {"method": "get", "relative_path": "/tasks/1"}
    if config.action_options:
        read["options"] = {"fields": ["name", "completed"]}
    return [read, {"method": "put", "relative_path": "/tasks/2", "data": {"completed": True}}]
