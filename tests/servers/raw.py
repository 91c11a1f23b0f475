"""A client that writes a request byte for byte, and goes away as it likes."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import parse_headers
from typing import BinaryIO

from tests.servers.running import DEADLINE, LOOPBACK, Response, Running

SMALL = 4096  # bytes that a client takes in when it is not to take in a whole answer


def head(*headers: str, version: str = "1.1") -> bytes:
    """The head of a batch request."""
    lines = (f"POST /batch HTTP/{version}", "Host: testserver", "Content-Type: application/json", *headers, "", "")
    return "\r\n".join(lines).encode()


def whole(body: bytes, *headers: str, version: str = "1.1") -> bytes:
    """A batch request with `body`."""
    return head(f"Content-Length: {len(body)}", *headers, version=version) + body


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(piece), piece)


LAST_CHUNK = chunk(b"")


@contextmanager
def connected(served: Running, *, takes: int | None = None) -> Iterator[socket.socket]:
    """A connection whose bytes leave one by one, as they are sent; `takes` is how much the client's side keeps."""
    with socket.socket() as raw:
        raw.settimeout(DEADLINE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if takes is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, takes)
        raw.connect((LOOPBACK, served.port))
        yield raw


def abort(raw: socket.socket) -> None:
    """Closes with a reset, as a client does that crashes."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def next_response(stream: BinaryIO) -> Response | None:
    """The next response of a connection, final or not, or None where it has ended; batch answers name their length.

    An answer that ends before its length fails here, so no test takes half an answer for a whole one.
    """
    line = stream.readline()
    if not line:
        return None
    status = int(line.split()[1])
    headers = parse_headers(stream)
    length = int(headers.get("content-length", "0"))
    body = stream.read(length)
    assert len(body) == length, f"{len(body)} of {length} bytes: half an answer"
    return Response(status, headers, body)
