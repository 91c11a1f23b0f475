# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# (Django has no types.)
"""Django: the batch route from `settings.BATCHWARE`, and system checks for it.

    application = from_settings(get_asgi_application())     # the end of asgi.py; in wsgi.py get_wsgi_application()
    INSTALLED_APPS = [..., "batchware.integrations.django"] # the checks
    BATCHWARE = {"path": "/api/batch", "authorize": "tasks.batch.authorize"}

Names of options may be written in any case. `authorize`, `error_body`, `limiter` and the members of `hooks` and
`limits` may be dotted paths, since what settings are made of can't be imported there; a class that is named is called.
`runserver` has the route too, since it serves `WSGI_APPLICATION`. Django's test clients never load either file; those
of `batchware.testing.django` do what they do with the batch route in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import Any, Unpack, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ... import asgi, wsgi
from ...config import BatchConfig, BatchOptions, known
from ..host_limiter import check_together

__all__ = ["config_from_settings", "from_settings"]

SETTING = "BATCHWARE"

_DOTTED = ("authorize", "error_body", "limiter")
_LISTS_OF_DOTTED = ("hooks", "limits")


def from_settings(application: Any, **options: Unpack[BatchOptions]) -> asgi.BatchMiddleware | wsgi.BatchMiddleware:
    """`application`, of `get_asgi_application()` or `get_wsgi_application()`, with the batch route in front.

    `options` come over those of `settings.BATCHWARE`: `from_settings(application, **drf_limits("asgi"))`. Raises
    `ImproperlyConfigured` for a setting that is none, `TypeError` or `ValueError` for a wrong option.
    """
    config = config_from_settings(**options)
    if iscoroutinefunction(application) or iscoroutinefunction(cast("Any", type(application)).__call__):
        return asgi.BatchMiddleware(application, config=config)
    return wsgi.BatchMiddleware(application, config=config)


def config_from_settings(**options: Unpack[BatchOptions]) -> BatchConfig:
    """The configuration of `settings.BATCHWARE`, with `options` over it."""
    setting: Any = getattr(settings, SETTING, {})
    if not isinstance(setting, Mapping):
        raise ImproperlyConfigured(f"settings.{SETTING} must be a dict of options, not {setting!r}")
    named = {name.lower(): value for name, value in known(cast("Mapping[str, Any]", setting)).items()}
    for name in _DOTTED:
        if name in named:
            named[name] = _imported(name, named[name])
    for name in _LISTS_OF_DOTTED:
        if isinstance(named.get(name), list | tuple):
            named[name] = [_imported(name, item) for item in named[name]]
    check_together(named, options)
    over: Any = {**named, **options}
    return BatchConfig(**over)


def _imported(option: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        found: Any = import_string(value)
    except ImportError as error:
        raise ImproperlyConfigured(f"settings.{SETTING}[{option!r}]: {error}") from error
    return cast("Callable[[], Any]", found)() if isinstance(found, type) else found
