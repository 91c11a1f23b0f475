# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false
# (Django has no types.)
"""The system checks of `manage.py check`: what stands in the settings, and whether the batch route is really in front.

batchware.E001  batchware is listed in MIDDLEWARE
batchware.E002  an option in settings.BATCHWARE is wrong
batchware.W001  neither WSGI_APPLICATION nor ASGI_APPLICATION has a batch route
batchware.W002  persistent database connections (CONN_MAX_AGE) behind an ASGI batch route
batchware.W003  limits that are counted in each process for itself (with --deploy)
batchware.W004  throttles of REST framework with a cache that each process has for itself (with --deploy)
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from ... import asgi
from ...config import BatchConfig
from ...limiters.memory import MemoryLimiter
from . import SETTING, config_from_settings
from .route import route_in

_OF_ONE_PROCESS = ("django.core.cache.backends.locmem.LocMemCache", "django.core.cache.backends.dummy.DummyCache")


@register("batchware")  # type: ignore[untyped-decorator]  # has no types
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E001 and E002."""
    found: list[CheckMessage] = [
        Error(
            f"{path} stands in MIDDLEWARE.",
            hint="There, the actions of a batch would skip the rest of MIDDLEWARE and run one after the other. "
            "Wrap the application at the end of asgi.py or wsgi.py: application = from_settings(application).",
            id="batchware.E001",
        )
        for path in settings.MIDDLEWARE
        if path.partition(".")[0] == "batchware"
    ]
    try:
        config_from_settings()
    except (TypeError, ValueError, ImproperlyConfigured) as error:
        place = f"settings.{SETTING}"
        message = str(error).removeprefix(place)
        found.append(Error(f"{place}{'' if message != str(error) else ': '}{message}", id="batchware.E002"))
    return found


@register("batchware")  # type: ignore[untyped-decorator]  # has no types
def check_applications(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W001 and W002."""
    try:
        routes = [route_in("WSGI_APPLICATION"), route_in("ASGI_APPLICATION")]
    except (TypeError, ValueError, ImproperlyConfigured):
        return []  # a wrong option, which is E002, or a project that doesn't start
    found: list[CheckMessage] = []
    if not any(routes):
        found.append(
            Warning(
                "Neither WSGI_APPLICATION nor ASGI_APPLICATION has a batch route.",
                hint="End asgi.py and wsgi.py with application = from_settings(application), and name the file that "
                "runserver is to serve in WSGI_APPLICATION.",
                id="batchware.W001",
            )
        )
    persistent = [alias for alias, database in settings.DATABASES.items() if database.get("CONN_MAX_AGE", 0) != 0]
    if persistent and isinstance(routes[1], asgi.BatchMiddleware):
        found.append(
            Warning(
                f"The connections of {', '.join(map(repr, persistent))} are persistent (CONN_MAX_AGE) behind ASGI.",
                hint="On ASGI each action of a batch that runs a synchronous view has a thread of its own, as each "
                "request has, and leaves its connection open there. Set CONN_MAX_AGE to 0, and pool connections in the "
                "database backend.",
                id="batchware.W002",
            )
        )
    return found


@register("batchware", Tags.security, deploy=True)  # type: ignore[untyped-decorator]  # has no types
def check_sharing(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W003 and W004."""
    try:
        made = [route.config for route in (route_in("WSGI_APPLICATION"), route_in("ASGI_APPLICATION")) if route]
        configs: list[BatchConfig] = made or [config_from_settings()]
    except (TypeError, ValueError, ImproperlyConfigured):
        return []
    found: list[CheckMessage] = []
    if any(config.limits and isinstance(config.limiter, MemoryLimiter | None) for config in configs):
        found.append(
            Warning(
                "The limits of batchware are counted in memory.",
                hint="With several workers a client gets each limit once from each of them. Share a Redis: limiter.",
                id="batchware.W003",
            )
        )
    throttled = getattr(settings, "REST_FRAMEWORK", {}).get("DEFAULT_THROTTLE_CLASSES")
    if throttled and settings.CACHES.get("default", {}).get("BACKEND") in _OF_ONE_PROCESS:
        found.append(
            Warning(
                "REST framework's throttles are counted in a cache that each process has for itself.",
                hint="With several workers a client gets each rate once from each of them. Share a cache: CACHES.",
                id="batchware.W004",
            )
        )
    return found
