# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# (Django has no types.)
"""Where a project's batch route is: the `BatchMiddleware` in the application that a setting names."""

from __future__ import annotations

from typing import Any, Literal

from django.conf import settings
from django.utils.module_loading import import_string

from ... import asgi, wsgi
from ...check.chain import chains

Route = asgi.BatchMiddleware | wsgi.BatchMiddleware


def route_in(setting: Literal["WSGI_APPLICATION", "ASGI_APPLICATION"]) -> Route | None:
    """The middleware in front of the application that `setting` names, or None where there is none of either.

    The application is imported, and what is wrong with it is raised, but that there is no such module.
    """
    path: Any = getattr(settings, setting, None)
    if not path:
        return None
    try:
        application: Any = import_string(path)
    except ImportError:  # the server says so, and better
        return None
    found = (layer.node for chain in chains(application) for layer in chain)
    return next((node for node in found if isinstance(node, Route)), None)
