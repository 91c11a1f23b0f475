"""Over real connections that break: what was read is read again, what was written is told as lost, nobody waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from batchware.client.transport import BatchTransport
from tests.client.in_process import BASE, ROUTE, every_library, library_named

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
HALF = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"data":['


class Breaking:
    """Answers every request but a batch, of which it sends `half` and hangs up."""

    def __init__(self, half: bytes) -> None:
        self.half, self.asked = half, list[str]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked.append(" ".join(head.decode().split(" ", 2)[:2]))
                if ROUTE.encode() in head:
                    writer.write(self.half)
                    break
                writer.write(ANSWER)
                await writer.drain()
        except asyncio.IncompleteReadError:  # the client is done
            pass
        finally:
            writer.close()


@every_library
@pytest.mark.parametrize("half", [b"", HALF], ids=["before the answer", "within the answer"])
def test_a_batch_whose_connection_breaks_is_lost_to_nobody_who_only_reads(library: str, half: bytes) -> None:
    async def play() -> tuple[list[Any], list[str]]:
        breaking = Breaking(half)
        server = await asyncio.start_server(breaking.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{BASE}"
        module = library_named(library)
        transport = BatchTransport(module.AsyncHTTPTransport(), f"{url}/batch")
        async with server, module.AsyncClient(transport=transport, base_url=url) as client:
            asked = [client.get("/tasks/1"), client.delete("/tasks/2"), client.get("/tasks/3")]
            return await asyncio.gather(*asked, return_exceptions=True), breaking.asked

    (first, lost, third), asked = asyncio.run(play())
    assert (first.status_code, third.status_code) == (200, 200)
    assert type(lost).__name__ in ("RemoteProtocolError", "ReadError")  # as the system tells it
    assert lost.request.method == "DELETE"
    assert asked[0] == f"POST {ROUTE}"
    assert sorted(asked[1:]) == [f"GET {BASE}/tasks/1", f"GET {BASE}/tasks/3"]
