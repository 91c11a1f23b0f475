"""The clients of one server: threads with kept-alive connections, at a bounded rate, that check every answer."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections import Counter
from contextlib import suppress

from tests.servers.running import DEADLINE, LOOPBACK
from tests.soak.actions import Wrong
from tests.soak.plays import Play, crowd, play

KEPT = 200  # requests on one connection; then a new one, as clients do
CROWDS = 20  # crowded batches of all clients at once, before all else: there is no higher tide of threads later


class Clients:
    """`count` clients that together send `rate` requests a second until `stop`."""

    def __init__(self, port: int, *, count: int, rate: float, seed: int, only_direct: bool = False) -> None:
        self.counted: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._port = port
        self._pause = count / rate
        self._only_direct = only_direct
        self.over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(f"{seed}:{number}"),)) for number in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, chance: random.Random) -> None:
        connection = self._connect()
        due = time.monotonic() + chance.random() * self._pause
        crowds = 0 if self._only_direct else CROWDS
        while not self.over.wait(0.0 if crowds else max(0.0, due - time.monotonic())):
            due = max(due + self._pause, time.monotonic() - 1.0)
            turn = crowd(chance) if crowds else play(chance, only_direct=self._only_direct)
            crowds -= crowds > 0
            try:
                if turn.gone is not None:
                    self._leave(turn)
                else:
                    turn.check(*self._ask(connection, turn))
            except Wrong as error:
                self.wrong.append(str(error))
            except Exception as error:  # noqa: BLE001  # whatever it is, the answer was not the one that was to come
                if turn.unread and isinstance(error, ConnectionError):
                    self.counted["cut off"] += 1
                else:
                    self.wrong.append(f"{turn.method} {turn.path} {turn.body[:200]!r}: {error!r}")
                connection.close()
                connection = self._connect()
            self.counted["requests"] += 1
            self.counted["actions"] += turn.actions
            if chance.random() < 1 / KEPT:
                connection.close()
                connection = self._connect()
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(LOOPBACK, self._port, timeout=DEADLINE)

    def _ask(self, connection: http.client.HTTPConnection, turn: Play) -> tuple[int, dict[str, str], bytes]:
        """The answer; a kept connection that the server has closed meanwhile is no failure."""
        try:
            return sent(connection, turn)
        except (http.client.RemoteDisconnected, ConnectionError):
            connection.close()
            self.counted["again"] += 1
            return sent(connection, turn)

    def _leave(self, turn: Play) -> None:
        """Send some of the request, and go away."""
        head = "".join(f"{name}: {value}\r\n" for name, value in turn.headers.items())
        request = f"POST {turn.path} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(turn.body)}\r\n\r\n".encode()
        request += turn.body
        assert turn.gone is not None
        with suppress(ConnectionError), socket.create_connection((LOOPBACK, self._port), timeout=DEADLINE) as client:
            client.sendall(request[: int(len(request) * turn.gone)])
        self.counted["left"] += 1


def sent(connection: http.client.HTTPConnection, turn: Play) -> tuple[int, dict[str, str], bytes]:
    if turn.pieces:
        size = -(-len(turn.body) // turn.pieces)
        pieces = (turn.body[start : start + size] for start in range(0, len(turn.body), size))
        slowly = (time.sleep(turn.pause) or piece for piece in pieces)
        connection.request(turn.method, turn.path, slowly, dict(turn.headers), encode_chunked=True)
    else:
        with suppress(*([BrokenPipeError, ConnectionResetError] if turn.unread else [])):
            connection.request(turn.method, turn.path, turn.body or None, dict(turn.headers))
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
