"""A client of HTTP/2 without TLS, from the first byte on: as much of `http.client.HTTPConnection` as is used."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage, RemoteDisconnected
from typing import Any, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset

from tests.servers.running import DEADLINE, LOOPBACK, Running

_OF_HTTP_1 = {"connection", "host"}
_NONE: Mapping[str, str] = {}


@dataclass
class _Answer:
    status: int
    headers: HTTPMessage
    body: bytes

    def read(self) -> bytes:
        return self.body


class Http2Connection:
    """As with HTTP/1, one request at a time; batches fit into the window that a server opens."""

    def __init__(self, port: int) -> None:
        self._authority = f"{LOOPBACK}:{port}"
        self._socket = socket.create_connection((LOOPBACK, port), DEADLINE)
        self._connection = H2Connection(H2Configuration(header_encoding="latin-1"))
        self._stream = 0

    def request(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = _NONE) -> None:
        if not self._stream:
            self._connection.initiate_connection()
        self._stream = self._connection.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "http"), (":authority", self._authority), (":path", path)]
        fields += [(name.lower(), value) for name, value in headers.items() if name.lower() not in _OF_HTTP_1]
        if body:
            fields.append(("content-length", str(len(body))))
        self._connection.send_headers(self._stream, fields, end_stream=not body)
        if body:
            size = self._connection.max_outbound_frame_size
            for at in range(0, len(body), size):
                piece = body[at : at + size]
                self._connection.send_data(self._stream, piece, end_stream=at + size >= len(body))
        self._socket.sendall(self._connection.data_to_send())

    def getresponse(self) -> _Answer:
        """The answer when it is whole; `RemoteDisconnected` where there is none, an `AssertionError` at half of one."""
        answer = _Answer(0, HTTPMessage(), b"")
        while True:
            data = self._socket.recv(65536)
            for event in self._connection.receive_data(data) if data else [ConnectionTerminated()]:
                if isinstance(event, ResponseReceived):
                    for name, value in cast("list[tuple[str, str]]", event.headers):
                        if name == ":status":
                            answer.status = int(value)
                        else:
                            answer.headers[name] = value
                elif isinstance(event, DataReceived):
                    answer.body += event.data or b""
                    self._connection.acknowledge_received_data(event.flow_controlled_length or 0, self._stream)
                elif isinstance(event, StreamEnded):
                    return answer
                elif isinstance(event, StreamReset) or (isinstance(event, ConnectionTerminated) and not data):
                    assert not answer.status, f"half an answer: {answer}"
                    raise RemoteDisconnected("no answer")
            self._socket.sendall(self._connection.data_to_send())

    def close(self) -> None:
        self._socket.close()


class Http2Running(Running):
    """A server that is spoken to in HTTP/2."""

    def connect(self) -> HTTPConnection:
        connection: Any = Http2Connection(self.port)
        return cast(HTTPConnection, connection)
