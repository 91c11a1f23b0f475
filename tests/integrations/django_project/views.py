"""Plain views of Django, which need a session and a CSRF token, and a view set of REST framework.

`used` holds every database connection that a view has used, `threads` the thread that each ran in.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from django.contrib.auth import authenticate, login
from django.db import connection, connections, transaction
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template import engines
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ModelViewSet

from batchware import NotAuthorized, Parent

from .models import Task

used: list[Any] = []
threads: list[int] = []
both = threading.Barrier(2, timeout=10)


def authorize(parent: Parent) -> str:
    """The cookie or the token that a batch has; whose it is, each action finds out."""
    credentials = parent.header("authorization") or parent.header("cookie")
    if not credentials:
        raise NotAuthorized("Log in, or send a token.", headers={"WWW-Authenticate": "Token"})
    return str(hash(credentials))


def log_in(request: HttpRequest) -> HttpResponse:
    user = authenticate(request, username="ann", password="secret")
    login(request, user)
    return JsonResponse({"user": user.get_username()})


def who(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"user": request.user.get_username()})


def task(request: HttpRequest, pk: int) -> HttpResponse:
    note_use()
    found = get_object_or_404(Task, pk=pk)
    if request.method == "PUT":
        found.title = "renamed"
        found.save()
    return JsonResponse({"title": found.title})


def half(request: HttpRequest) -> HttpResponse:
    """Writes, and fails."""
    Task.objects.create(title="half")
    raise ValueError("half way")


def add(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"pk": Task.objects.create(title="whole").pk})


@transaction.non_atomic_requests  # SQLite lets one transaction in at a time
def together(request: HttpRequest) -> HttpResponse:
    """Answers when another request is here too."""
    both.wait()
    note_use()
    return JsonResponse({"tasks": Task.objects.count()})


def page(request: HttpRequest) -> HttpResponse:
    template = engines["django"].from_string("<h1>{{ title }}</h1>")
    return HttpResponse(template.render({"title": "Tasks"}, request))


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"), content_type="text/x-python")


def note_use() -> None:
    connection.ensure_connection()
    used.append(connections["default"])
    threads.append(threading.get_ident())


class TaskSerializer(ModelSerializer):
    class Meta:
        model = Task
        fields = ("id", "title")


class Tasks(ModelViewSet):
    queryset = Task.objects.all()
    serializer_class = TaskSerializer
