"""The response that a result becomes: what it has, and what is asked for again because the result leaves it open."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.middleware.gzip import GZipMiddleware

from tests.client.in_process import (
    BASE,
    BATCH,
    STARLETTE,
    InProcess,
    batched,
    client_of,
    every_library,
    library_named,
    run,
)
from tests.client.sets import respond
from tests.contract.batching import host_named
from tests.hosts import probe
from tests.hosts.probe import encode_spec

JSON = [("content-type", "application/json")]


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    probe.reset()
    yield
    probe.reset()


PLAIN_TEXT = ("content-type", "text/plain; charset=")


@pytest.mark.parametrize(
    ("spec", "certain"),
    [
        (respond(b'{"a": 1}\n', *JSON), True),
        (respond(b' [1,"\\u00e9", 1e999] ', *JSON), True),
        (respond(b" null\n", *JSON), True),
        (respond(b"null", *JSON), False),
        (respond(b'"text"', *JSON), False),
        (respond(b'"{}"', *JSON), True),
        (respond(b'{"a": NaN}', *JSON), False),
        (respond(b"not JSON", *JSON), False),
        (respond(b"9" * 5000, *JSON), True),
        (respond(b""), False),
        (respond(b"", status=302), False),
        (respond(b"", status=204), True),
        (respond(b"", ("content-type", "text/html")), True),
        (respond(b"a\r\nb", ("content-type", "text/html")), True),
        (respond("\ufeffé".encode(), ("content-type", "text/plain")), True),
        (respond("é".encode("latin-1"), (PLAIN_TEXT[0], PLAIN_TEXT[1] + "iso-8859-1")), True),
        (respond("é".encode("latin-1"), (PLAIN_TEXT[0], PLAIN_TEXT[1] + "utf-8")), False),
        (respond("é".encode("utf-16-be"), (PLAIN_TEXT[0], PLAIN_TEXT[1] + "utf-16")), False),
        (respond("日本".encode("shift_jis"), (PLAIN_TEXT[0], PLAIN_TEXT[1] + "shift_jis")), False),
        (respond(b"\x00\xff", ("content-type", "image/png")), True),
        (respond(b"\x00\xff"), True),
        (respond(b"aGk=", ("content-type", "text/plain"), ("content-transfer-encoding", "base64")), False),
    ],
)
@pytest.mark.parametrize("host", ["starlette", "flask"])
def test_a_read_is_asked_again_only_where_its_result_leaves_the_response_open(
    spec: dict[str, Any], certain: bool, host: str
) -> None:
    path = f"/respond?spec={encode_spec(spec)}"
    chosen = host_named(host)

    async def main() -> tuple[Any, Any, list[tuple[str, str]]]:
        module = library_named("httpx2")
        inner = InProcess(module, batched(chosen), chosen.door)
        async with client_of(module, inner) as client:
            answers = await asyncio.gather(client.get(path), client.get("/tasks/1"))
            sent = inner.sent.copy()
            expected = await client.get(path)
        return answers[0], expected, sent

    answer, expected, sent = asyncio.run(main())
    assert answer.content == expected.content == base64.b64decode(spec["body"])
    assert answer.headers.get("content-type") == expected.headers.get("content-type")
    assert len(sent) == (1 if certain else 2)


@pytest.mark.parametrize(
    ("spec", "content"),
    [
        (respond(b"null", *JSON), b"null"),
        (respond(b"", status=201), b"null"),
        (respond(b"", ("location", "/"), status=303), b""),
        (respond(b'"text"', *JSON), b'"text"'),
        (respond(b'{"a": NaN}', *JSON), b'{"a": NaN}'),
        (respond("日本".encode("shift_jis"), (PLAIN_TEXT[0], PLAIN_TEXT[1] + "shift_jis")), "日本".encode("shift_jis")),
    ],
)
def test_a_write_is_sent_once_and_gets_the_likelier_response(spec: dict[str, Any], content: bytes) -> None:
    async def play(client: Any) -> Any:
        return await asyncio.gather(*(client.post("/respond", json={"data": spec}) for _ in range(2)))

    answers, sent = run(play)
    assert [answer.content for answer in answers] == [content] * 2
    assert sent == [BATCH]


@every_library
def test_a_batched_response_has_what_a_direct_one_has(library: str) -> None:
    async def play(client: Any) -> Any:
        async def streamed() -> list[bytes]:
            async with client.stream("GET", "/users/1") as answer:
                return [chunk async for chunk in answer.aiter_raw()]

        return await asyncio.gather(client.get("/users/1"), streamed(), client.head("/users/1"))

    (answer, chunks, head), sent = run(play, library=library)
    assert sent == [BATCH]
    assert b"".join(chunks) == answer.content
    assert answer.http_version == "HTTP/9"
    assert answer.reason_phrase == "OK"
    assert answer.elapsed.total_seconds() > 0
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert int(head.headers["content-length"]) == len(answer.content) + 1  # it would name its method
    assert answer.headers["cache-control"] == "no-store"
    assert head.content == b""
    assert (answer.extensions["batch"], head.extensions["batch"]) == ((0, 3), (2, 3))
    assert answer.raise_for_status().json()["id"] == "1"


@every_library
def test_an_answer_that_comes_compressed_is_read(library: str) -> None:
    app = GZipMiddleware(batched(STARLETTE), minimum_size=1)

    async def play(client: Any) -> Any:
        return await asyncio.gather(*(client.get("/users/1") for _ in range(2)))

    answers, sent = run(play, app, library=library)
    assert [answer.json()["id"] for answer in answers] == ["1", "1"]
    assert not any("content-encoding" in answer.headers for answer in answers)
    assert sent == [BATCH]


def test_a_body_that_the_host_compressed_all_the_same_is_decoded_once() -> None:
    spec = respond(gzip.compress(b"[1]"), *JSON, ("content-encoding", "gzip"))

    async def play(client: Any) -> Any:
        return await asyncio.gather(*(client.get(f"/respond?spec={encode_spec(spec)}") for _ in range(2)))

    answers, sent = run(play)
    assert [(answer.content, answer.headers["content-encoding"]) for answer in answers] == [(b"[1]", "gzip")] * 2
    assert sent == [BATCH]


@every_library
def test_redirects_are_followed_by_the_client(library: str) -> None:
    moved = encode_spec(respond(b"-", ("content-type", "text/plain"), ("location", f"{BASE}/users/7"), status=302))

    async def play(client: Any) -> Any:
        asked = [client.get(f"/respond?spec={moved}", follow_redirects=True) for _ in range(2)]
        return await asyncio.gather(*asked)

    answers, sent = run(play, library=library)
    assert [answer.json()["id"] for answer in answers] == ["7", "7"]
    assert [len(answer.history) for answer in answers] == [1, 1]
    assert sent == [BATCH] * 2


@every_library
def test_the_jar_has_the_cookies_of_all_actions_before_any_caller_goes_on(library: str) -> None:
    def setting(cookie: str) -> str:
        return "/respond?spec=" + encode_spec(respond(b"[]", *JSON, ("set-cookie", cookie)))

    cookies = ["a=1; Path=/", "b=2; HttpOnly", "c=3; Path=/elsewhere"]

    async def jar(client: Any, *, concurrently: bool) -> tuple[set[tuple[str, str, str, str]], list[str]]:
        seen: list[str] = []

        async def ask(cookie: str) -> None:
            await client.get(setting(cookie))
            seen.append("; ".join(sorted(one.name for one in client.cookies.jar)))

        if concurrently:
            await asyncio.gather(*map(ask, cookies))
        else:
            for cookie in cookies:
                await ask(cookie)
        return {(one.name, one.value, one.domain, one.path) for one in client.cookies.jar}, seen

    async def play(client: Any) -> Any:
        return await jar(client, concurrently=True)

    (batched_jar, seen), sent = run(play, library=library)
    assert sent == [BATCH]
    assert seen == ["a; b; c"] * 3

    async def directly() -> Any:
        module = library_named(library)
        async with module.AsyncClient(
            transport=InProcess(module, batched(STARLETTE)), base_url="http://testserver" + BASE
        ) as client:
            return (await jar(client, concurrently=False))[0]

    assert batched_jar == asyncio.run(directly())
    assert json.dumps(sorted(batched_jar))
