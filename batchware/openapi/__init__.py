"""The batch route in a host's API documentation: OpenAPI 3.0 and 3.1, and so Swagger UI, Redoc, generated clients.

    openapi.extend(app)                               # FastAPI: into /openapi.json
    openapi.path_item(config)                         # any tool: a path item that stands alone
    openapi.add(document, config)                     # any document: the path, and its schemas by name

Schemas and examples are those of the configuration: its style, envelopes, options and `max_actions`.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, cast

from ..asgi import BatchMiddleware
from ..config import BatchConfig
from . import operation

__all__ = ["add", "extend", "path_item"]

Security = Sequence[Mapping[str, Sequence[str]]]

_REF = "#/components/schemas/"


def path_item(config: BatchConfig, *, security: Security | None = None) -> dict[str, Any]:
    """The path item of the batch route: `{"post": {...}}`, with all schemas in place.

    `config` is that of a `BatchMiddleware` (its `config`). `security` is OpenAPI's list of what a batch may be sent
    with, nothing by default.
    """
    item, components = operation.make(config, _REF + "{name}", {}, security)
    found: dict[str, Any] = _in_place(item, components)
    return found


def add(document: MutableMapping[str, Any], config: BatchConfig, *, security: Security | None = None) -> None:
    """Put the batch route into an OpenAPI document: its path, and its schemas among the components.

    The example is made of the document's own GETs, and where `security` is None a batch may be sent with any of its
    security schemes, since actions have the credentials of the batch.
    """
    item, components = operation.make(config, _REF + "{name}", document, security)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    if schemas.keys() & components.keys():  # names of the host's own
        item = _in_place(item, components)
    else:
        schemas.update(components)
    document.setdefault("paths", {})[config.path] = item


def extend(app: Any, config: BatchConfig | None = None, *, security: Security | None = None) -> None:
    """Put the batch route into what a FastAPI application shows at `/openapi.json` and `/docs`.

    Without `config` it is that of the `BatchMiddleware` that `app.add_middleware` has been given, before or after;
    raises `LookupError`, when the document is made, where there is none. `app = BatchMiddleware(app, ...)` has it as
    `app.config`. To be called after a function of the host's own has been put in the place of `app.openapi`.
    """
    original = app.openapi

    def openapi() -> dict[str, Any]:
        document = cast("dict[str, Any]", original())
        found = _added(app) if config is None else config
        if found.path not in document.get("paths", {}):
            add(document, found, security=security)
        return document

    app.openapi = openapi


def _added(app: Any) -> BatchConfig:
    for middleware in app.user_middleware:
        if isinstance(middleware.cls, type) and issubclass(middleware.cls, BatchMiddleware):
            made: BatchMiddleware = middleware.cls(app, *middleware.args, **middleware.kwargs)
            return made.config
    raise LookupError("openapi.extend: the application has no BatchMiddleware; give its config to openapi.extend")


def _in_place(value: Any, components: Mapping[str, Any]) -> Any:
    """`value` with what a reference names where the reference was."""
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        name: Any = mapping.get("$ref")
        if isinstance(name, str) and name.startswith(_REF):
            beside = {key: inner for key, inner in mapping.items() if key != "$ref"}
            return {**_in_place(components[name.removeprefix(_REF)], components), **beside}
        return {key: _in_place(inner, components) for key, inner in mapping.items()}
    if isinstance(value, list):
        return [_in_place(item, components) for item in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    return value
