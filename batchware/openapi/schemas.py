"""The JSON schemas of a batch, its answer and its errors, for one configuration: what the wire format reads and writes.

The members are those of the wire format's own entry, so that a member which is read but not described is an error when
the schemas are made. Only what OpenAPI 3.0 and 3.1 both understand is used.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ..config import BatchConfig
from ..contract.errors import BatchError, asana_errors
from ..wire.asana import ENTRY_MEMBERS

Json = dict[str, Any]

_Method = Annotated[
    Literal["get", "head", "post", "put", "patch", "delete"],
    Meta(description="In any case.", extra_json_schema={"type": "string"}),
]
_Path = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2048,
        pattern=r"^/[^?#\\\s]*$",
        description="The path of the endpoint, relative to the folder of the batch route. Query parameters go into "
        "`data`.",
    ),
]
_Names = Annotated[list[str] | str, Meta(description="A list of names, or one string joined by commas.")]


class BatchActionOptions(Struct, forbid_unknown_fields=True):
    """Become the query parameters `opt_fields`, `opt_expand`, `limit` and `offset`."""

    fields: _Names | UnsetType = UNSET
    expand: _Names | UnsetType = UNSET
    limit: int | str | UnsetType = UNSET
    offset: int | str | UnsetType = UNSET


class BatchResult(Struct):
    """What the endpoint has answered to one action."""

    status_code: Annotated[int, Meta(description="As for a direct request; 400 also for an action that is refused.")]
    headers: Annotated[dict[str, str], Meta(description="In lower case, without those of the connection.")]
    body: Annotated[Any, Meta(description="JSON as it is, text as a string, anything else base64; null for none.")]


class BatchErrorMessage(Struct):
    """What is wrong, where, and what is allowed."""

    message: str


class BatchErrors(Struct):
    """A batch, or an action, that was refused or has failed."""

    errors: list[BatchErrorMessage]


def request_and_answer(config: BatchConfig, ref_template: str) -> tuple[Json, Json, Json, Json]:
    """The schemas of a batch, of its answer and of an error, and those that they refer to by name."""
    action = _action(config)
    batch = msgspec.defstruct("BatchActions" if config.envelope else "BatchRequest", [_actions(config, action)])
    if config.envelope:
        batch = _enveloped("BatchRequest", str(config.envelope), batch)
    answer = _enveloped("BatchAnswer", str(config.envelope or "results"), _results(config))
    (request, reply, error), components = msgspec.json.schema_components(
        [batch, answer, BatchErrors], ref_template=ref_template
    )
    if config.error_body is not asana_errors:  # a shape of the host's own, which an example shows
        error = {"example": config.error_body(BatchError("what is wrong, where, and what is allowed"))}
        del components["BatchErrors"], components["BatchErrorMessage"]
    for schema in components.values():
        schema.pop("title", None)
        if not schema.get("required", True):
            del schema["required"]  # OpenAPI 3.0 wants at least one
    return request, reply, error, components


def _actions(config: BatchConfig, action: type[Struct]) -> tuple[str, Any]:
    most = f"1 to {config.max_actions} actions, which run in parallel."
    # `action` is a class that was made above, which no type checker knows.
    return "actions", Annotated[list[action], Meta(min_length=1, max_length=config.max_actions, description=most)]  # type: ignore[valid-type]


def _results(config: BatchConfig) -> Any:
    return Annotated[list[BatchResult], Meta(description="One result an action, in the order of the actions.")]


def _enveloped(name: str, member: str, inner: Any) -> type[Struct]:
    return msgspec.defstruct(name, [("inner", inner)], rename={"inner": member})


def _action(config: BatchConfig) -> type[Struct]:
    """The entry of the wire format, member by member."""
    queries = "`get` and `head`" if config.delete_data == "body" else "`get`, `head` and `delete`"
    body = "the body" if config.body_envelope is None else f'the body, as `{{"{config.body_envelope}": ...}}`'
    content = Meta(description=f"Query parameters for {queries}; for any other method {body}.")
    data: Any = Annotated[Any, content] if config.body_envelope is None else Annotated[dict[str, Any], content]
    described: dict[str, Any] = {
        "method": _Method,
        "relative_path": _Path,
        "data": data,
        "options": BatchActionOptions if config.action_options else None,
    }
    members: list[Any] = []
    for name in ENTRY_MEMBERS:
        kind = described[name]
        if name in ("method", "relative_path"):
            members.append((name, kind))
        elif kind is not None:
            members.append((name, kind | UnsetType, UNSET))
    action = msgspec.defstruct("BatchAction", members, forbid_unknown_fields=True)
    action.__doc__ = "One request; it has the headers and credentials of the batch."
    return action
