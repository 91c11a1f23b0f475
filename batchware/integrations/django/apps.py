# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false
# (Django has no types.)
"""The Django app: it has no models, and registers the system checks."""

from __future__ import annotations

from django.apps import AppConfig


class BatchwareConfig(AppConfig):  # type: ignore[misc]  # has no types
    """`batchware.integrations.django` in `INSTALLED_APPS`."""

    name = "batchware.integrations.django"
    label = "batchware"
    verbose_name = "batchware"

    def ready(self) -> None:
        """Register the checks, once the project's models are there."""
        from . import checks  # noqa: PLC0415, F401  # pyright: ignore[reportUnusedImport]  # their decorators do it
