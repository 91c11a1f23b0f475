"""What a server of ASGI loads: Django, the throttles of REST framework, and the batch route in front."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from batchware.integrations.django import from_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.integrations.django_project.settings")

application = get_asgi_application()

from batchware.integrations.drf import drf_limits  # noqa: E402  # once Django is set up

application = from_settings(application, **drf_limits("asgi"))
