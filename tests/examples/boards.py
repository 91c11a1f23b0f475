"""A board to test with, and its three faces, called in this process without a server."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from django.test import override_settings

from examples.taskboard.api import Board
from examples.taskboard.sample import Sample, fill
from examples.taskboard.store import Store
from tests.hosts import HOSTS
from tests.hosts.clients import Response, send

FACES: dict[str, Literal["asgi", "wsgi"]] = {"starlette": "asgi", "flask": "wsgi", "django": "asgi"}
BASE = "/api/1.0"
BOUNDARY = "a-line-between-parts"


@contextmanager
def filled(path: str = ":memory:") -> Iterator[tuple[Board, Sample]]:
    """A board with the sample in it. Its clock counts, so that two boards that do the same look the same."""
    ticks = itertools.count()
    with Store(path, clock=lambda: f"2030-01-01T00:00:00.{next(ticks):03}Z") as store:
        yield Board(store), fill(store)


def settings_of(name: str) -> Any:
    """What has to be in force while a face is built and called: Django has one set of settings in a process."""
    if name != "django":
        return nullcontext()
    # Whoever comes first configures Django for the whole test run; that must not be an example.
    next(host for host in HOSTS if host.id == "django-asgi").shared()
    return override_settings(**import_module("examples.taskboard.django_app").SETTINGS)


@dataclass(frozen=True)
class Face:
    """One framework's application around a board, with a client who holds a token."""

    name: str
    app: Any
    board: Board
    sample: Sample

    def send(self, method: str, path: str, data: Any = None, **options: Any) -> Response:
        """A request to a path below the API base; `data` goes into the envelope.

        `token=None` sends none, `key` is an Idempotency-Key, `more` are further headers, in lower case.
        """
        body = b"" if data is None else json.dumps({"data": data}).encode()
        return self.raw(method, BASE + path, body, "application/json" if body else None, **options)

    def raw(
        self, method: str, target: str, body: bytes = b"", content_type: str | None = None, **options: Any
    ) -> Response:
        token = options.pop("token", self.sample.token)
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        if key := options.pop("key", None):
            headers["idempotency-key"] = key
        headers |= options.pop("more", {})
        if content_type:
            headers["content-type"] = content_type
        if body or method in {"POST", "PUT"}:
            headers["content-length"] = str(len(body))
        response = send(self.app, FACES[self.name], method, target, headers=headers, body=body, **options)
        assert response.raised is None
        return response

    def get(self, path: str) -> Any:
        """The `data` of a GET that has to succeed."""
        response = self.send("GET", path)
        assert response.status == 200, response.body
        return response.json()["data"]

    def batch(self, *actions: Mapping[str, Any], **options: Any) -> Response:
        return self.send("POST", "/batch", {"actions": actions}, **options)

    def results(self, *actions: Mapping[str, Any]) -> list[Any]:
        """The results of a batch that has to succeed as a whole."""
        response = self.batch(*actions)
        assert response.status == 200, response.body
        results: list[Any] = response.json()["data"]
        return results

    def upload(self, path: str, parts: Sequence[tuple[str, bytes]]) -> Response:
        """A multipart form. A part's first half is what stands behind `form-data;`, with further headers below it."""
        body = b"".join(
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
            for head, content in parts
        )
        end = f"--{BOUNDARY}--\r\n".encode()
        return self.raw("POST", BASE + path, body + end, f"multipart/form-data; boundary={BOUNDARY}")


@contextmanager
def facing(name: str, **options: Any) -> Iterator[Face]:
    """A fresh board behind one of the faces, with its batch endpoint. `options` are further ones of batchware."""
    with settings_of(name), filled() as (board, sample):
        app = import_module(f"examples.taskboard.{name}_app").create_app(board, **options)
        try:
            yield Face(name, app, board, sample)
        finally:
            if name == "flask":
                app.wsgi_app.close()


def action(method: str, path: str, data: Any = None, **more: Any) -> dict[str, Any]:
    """One entry of a batch."""
    return {"method": method, "relative_path": path, **({} if data is None else {"data": data}), **more}


def text_file(content: bytes, name: str = "notes.txt") -> tuple[str, bytes]:
    """The part of a form that carries a file."""
    return f'name="file"; filename="{name}"\r\nContent-Type: text/plain; charset=utf-8', content
