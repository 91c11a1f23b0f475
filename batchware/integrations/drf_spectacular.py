# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# (drf-spectacular is for Django, which has no types.)
"""drf-spectacular: the batch route in the schema of a project with Django REST framework.

    SPECTACULAR_SETTINGS = {
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "batchware.integrations.drf_spectacular.add_batch_route",
        ]
    }

The configuration is that of `settings.BATCHWARE`.
"""

from __future__ import annotations

from typing import Any

import drf_spectacular  # noqa: F401  # pyright: ignore[reportUnusedImport]  # says that it is missing, if it is

from .. import openapi
from .django import config_from_settings

__all__ = ["add_batch_route"]


def add_batch_route(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook for `POSTPROCESSING_HOOKS`."""
    openapi.add(result, config_from_settings())
    return result
