"""Child environs against `werkzeug.test.EnvironBuilder`: the same request, built by somebody else (C12 to C17).

The parent is built by werkzeug too, and posted to the middleware. Then what the host got for an action is compared
with what werkzeug builds for the request that the action stands for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app

from batchware.wsgi import BatchMiddleware
from tests.properties.actions import PARENT_HEADERS, Pairs, Written, batch_of, echoed, sent_directly

Environ = dict[str, Any]

BASES = st.sampled_from(["http://testserver/", "https://h.example:8443/", "http://127.0.0.1:8000/mnt/é/"])
# What a server knows and a builder does not.
PEER = {"REMOTE_ADDR": "192.0.2.7", "REMOTE_PORT": "50000", "HTTPS": "on", "SSL_CLIENT_S_DN": "CN=x"}
# Each environ has objects of its own, and threads are what batchware adds.
_OWN = {"wsgi.input", "wsgi.errors", "wsgi.multithread"}
# Where the request target stood as it was sent: batchware never saw one for an action, and so has none to give.
_TARGETS = {"REQUEST_URI", "RAW_URI"}


def built(method: str, target: str, base: str, headers: Pairs, body: bytes | None) -> Environ:
    path, _, query = target.partition("?")
    builder = EnvironBuilder(
        path=path, base_url=base, query_string=query, method=method, headers=headers, data=body,
        environ_base=PEER,
    )  # fmt: skip
    try:
        return builder.get_environ()
    finally:
        builder.close()


def replayed(actions: list[Written], base: str, headers: Pairs) -> dict[int, tuple[Environ, bytes]]:
    """The environ and the body of each child request, by the number in its header."""
    seen: list[tuple[Environ, bytes]] = []

    def host(environ: Environ, start_response: Any) -> Iterable[bytes]:
        seen.append((environ, environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
        start_response("204 No Content", [])
        return []

    parent = built("POST", "/batch", base, [("Content-Type", "application/json"), *headers], batch_of(actions))
    app = BatchMiddleware(host, threads=0)
    body, status, _ = run_wsgi_app(app, parent)
    assert status == "200 OK", b"".join(body)
    assert len(seen) == len(actions)
    return dict(enumerate(seen))


@given(actions=st.lists(echoed(), min_size=1, max_size=4), headers=PARENT_HEADERS, base=BASES)
def test_c12_to_c17_environ_is_the_one_that_werkzeug_builds(actions: list[Written], headers: Pairs, base: str) -> None:
    for index, (environ, body) in replayed(actions, base, headers).items():
        action = actions[index]
        direct = sent_directly(headers, action, index, "wsgi")
        expected = built(action.method, action.target, base, direct, action.body)
        both = environ.keys() & expected.keys() - _OWN
        assert {key: environ[key] for key in both} == {key: expected[key] for key in both}
        assert {key: type(environ[key]) for key in both} == {key: type(expected[key]) for key in both}
        assert body == (action.body or b"")
        # Nothing is missing but what has no meaning here. The length is always said, also where a builder leaves zero
        # unsaid: without one, some hosts would read the input to an end that it may not have.
        missing = {key for key, value in expected.items() if key not in environ and value != ""}
        assert missing <= _TARGETS
        assert environ.keys() - expected.keys() - {"CONTENT_LENGTH"} == {"batchware.action"}
        assert environ["CONTENT_LENGTH"] == str(len(body))
        assert environ["wsgi.multithread"] is True
        assert not environ.keys() & _TARGETS
