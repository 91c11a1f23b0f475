"""The project's one app."""

from __future__ import annotations

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tests.integrations.django_project"
    label = "tasks"
