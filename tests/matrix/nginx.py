"""nginx in front of a server, with a prefix: one process on loopback, until the block ends."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.matrix.servers import uwsgi_socket
from tests.servers.running import LOOPBACK, Running, free_port, wait_for

CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; uwsgi_temp_path {folder}/uwsgi;
    fastcgi_temp_path {folder}/fastcgi; scgi_temp_path {folder}/scgi;
    server {{
        listen {loopback}:{port};
        location {prefix}/ {{ {forward} }}
    }}
}}
"""

STRIPPED = "proxy_pass http://{loopback}:{upstream}/; proxy_set_header Host $http_host;"
"""The prefix is taken off: the application is told of it by its server, by itself, or not at all."""

WHOLE = "proxy_pass http://{loopback}:{upstream}; proxy_set_header Host $http_host;"
"""The path is passed on as it came."""

FORWARDED = STRIPPED + " proxy_set_header X-Forwarded-Prefix {prefix};"

_UWSGI_PARAMS = {
    "REQUEST_METHOD": "$request_method", "QUERY_STRING": "$query_string", "CONTENT_TYPE": "$content_type",
    "CONTENT_LENGTH": "$content_length", "PATH_INFO": "$document_uri", "REQUEST_URI": "$request_uri",
    "SERVER_PROTOCOL": "$server_protocol", "REMOTE_ADDR": "$remote_addr", "REMOTE_PORT": "$remote_port",
    "SERVER_NAME": "$server_name", "SERVER_PORT": "$server_port",
}  # fmt: skip

UWSGI_PROTOCOL = "uwsgi_pass unix:{socket}; " + " ".join(
    f"uwsgi_param {name} {value};" for name, value in _UWSGI_PARAMS.items()
)
"""uWSGI takes the prefix off, where it is mounted there."""


def require_nginx() -> str:
    """Its program; skips where it is not installed, except in CI, where it has to be."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None and os.environ.get("CI") != "true":
        pytest.skip("nginx is not installed")
    assert program is not None, "nginx is not installed"
    return program


@contextmanager
def in_front(served: Running, prefix: str, forward: str) -> Iterator[Running]:
    """`served` as it is reached through nginx."""
    program, port = require_nginx(), free_port()
    upstream = forward.format(loopback=LOOPBACK, prefix=prefix, upstream=served.port, socket=uwsgi_socket(served.port))
    configuration = served.folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=served.folder, loopback=LOOPBACK, port=port, prefix=prefix, forward=upstream)
    )
    command = [program, "-p", str(served.folder), "-c", str(configuration)]
    with (served.folder / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        reached = Running(served.server, port, served.process, served.folder, prefix)
        try:
            wait_for("nginx", lambda: process.poll() is not None or _answers(reached))
            assert process.poll() is None, "nginx did not start"
            yield reached
        finally:
            process.terminate()


def _answers(reached: Running) -> bool:
    try:
        return reached.request("GET", "/census").status == 200
    except OSError:
        return False
