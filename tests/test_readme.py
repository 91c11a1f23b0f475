"""What the README shows works as it stands there: the lines that add batchware, and the limits beside them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from batchware import Concurrency, Quota
from batchware.asgi import BatchMiddleware as AsgiMiddleware
from batchware.config import BatchOptions
from batchware.wsgi import BatchMiddleware as WsgiMiddleware
from tests.contract.batching import batch_body, host_named
from tests.hosts import Host
from tests.hosts.clients import send

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.M | re.S)


def block(having: str) -> str:
    """The one block with `having` in it."""
    (found,) = [text for text in BLOCKS if having in text]
    return found


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_block_of_python_compiles(number: int) -> None:
    compile(BLOCKS[number], f"README block {number}", "exec")


def statuses(app: Any, host: Host, path: str) -> list[int]:
    body = batch_body([{"method": "get", "relative_path": "/tasks/1"}, {"method": "post", "relative_path": "/scim/v2"}])
    headers = {"content-type": "application/json", "authorization": "Bearer x"}
    answer = send(app, host.door, "POST", path, headers=headers, body=body)
    assert answer.status == 200, answer.body
    return [result["status_code"] for result in answer.json()["data"]]


def test_the_lines_for_flask_add_a_batch_endpoint() -> None:
    class App:
        wsgi_app = host_named("flask").make()

    names: dict[str, Any] = {"app": App}
    exec(block("from batchware.wsgi import"), names)
    assert isinstance(App.wsgi_app, WsgiMiddleware)
    assert statuses(App.wsgi_app, host_named("flask"), "/batch") == [200, 400]


def test_the_lines_for_django_add_a_batch_endpoint() -> None:
    names: dict[str, Any] = {"application": host_named("django-asgi").shared()}
    exec(block('path="/api/batch", authorize'), names)
    assert isinstance(names["application"], AsgiMiddleware)
    assert statuses(names["application"], host_named("django-asgi"), "/api/batch") == [404, 400]


def test_the_lines_for_starlette_add_a_batch_endpoint() -> None:
    names: dict[str, Any] = {"app": host_named("starlette").make()}
    exec(block("app.add_middleware(BatchMiddleware, authorize"), names)
    assert statuses(names["app"], host_named("starlette"), "/batch") == [200, 400]


def test_c35_the_lines_for_limits_are_asanas_limits() -> None:
    names: dict[str, Any] = {"app": host_named("asgi").make(), "BatchMiddleware": AsgiMiddleware}
    exec(block('Quota("requests", 1500'), names)
    kinds = [(type(rule), rule.name, rule.limit) for rule in names["limits"]]
    assert kinds == [(Quota, "requests", 1500), (Concurrency, "reads", 50), (Concurrency, "writes", 15)]
    assert statuses(names["app"], host_named("asgi"), "/batch") == [200, 400]


def test_every_option_is_in_the_table_and_the_table_has_no_other() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", README, re.M)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == set(BatchOptions.__annotations__)


RECIPES = sorted((Path(__file__).parent / "recipes").glob("*_recipe.py"))


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in RECIPES])
def test_a_recipe_is_the_one_that_was_run(path: Path) -> None:
    code = path.read_text("utf-8").split('"""', 2)[2].strip() + "\n"
    assert code in BLOCKS
