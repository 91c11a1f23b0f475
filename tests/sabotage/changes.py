"""The changes: each takes one rule out of the code, by one line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """`old` stands once in `file`, a path below `batchware`; `tests` are files below `tests/contract`."""

    id: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


CHANGES = (
    Change(
        "c3-any-media-type", "contract/flow.py",
        'if not _JSON.fullmatch(parent.header("content-type") or ""):', "if False:",
        ("test_media_type.py",),
    ),
    Change(
        "c3-any-content-encoding", "contract/flow.py",
        "raise UnsupportedMediaType(\"A batch is sent as it is, without a Content-Encoding.\")", "pass",
        ("test_media_type.py",),
    ),
    Change("c4-any-depth", "wire/asana.py", "if json.too_deep(body):", "if False:", ("test_body.py",)),
    Change("c4-any-bytes", "wire/asana.py", "if not body.isascii():", "if False:", ("test_body.py",)),
    Change("c4-any-size", "asgi.py", "if size > most:", "if False:", ("test_body.py",)),
    Change(
        "c9-one-bad-action-spoils-all", "wire/asana.py",
        "return Action(index, method, path, target), Refused.at(index, member, why)", "raise BatchError(why) from None",
        ("test_actions.py",),
    ),
    Change(
        "c9-unknown-members", "wire/asana.py",
        "if not found.keys() <= _MEMBERS:", "if False:",
        ("test_actions.py",),
    ),
    Change("c10-any-method", "wire/asana.py", "if method not in METHODS:", "if False:", ("test_actions.py",)),
    Change(
        "c11-encoded-separators", "contract/paths.py",
        "if found := _ENCODED_SEPARATOR.search(written):", "if found := None:",
        ("test_paths.py",),
    ),
    Change("c11-dot-segments", "contract/paths.py", 'if "." in segments or ".." in segments:', "if False:",
           ("test_paths.py",)),
    Change("c11-empty-segments", "contract/paths.py", 'if "" in segments[:-1]:', "if False:", ("test_paths.py",)),
    Change("c11-control-characters", "contract/paths.py", "if _CONTROL.search(path):", "if False:",
           ("test_paths.py",)),
    Change(
        "c12-another-path-on-asgi", "replay/scope.py",
        'scope["path"] = self._prefix + action.path', 'scope["path"] = self._prefix + action.quoted',
        ("test_dispatched_path.py",),
    ),
    Change(
        "c12-another-path-on-wsgi", "replay/environ.py",
        'environ["PATH_INFO"] = native(self._base + action.path)', 'environ["PATH_INFO"] = self._base + action.quoted',
        ("test_dispatched_path.py",),
    ),
    Change("c13-commas-in-items", "wire/query.py", 'if any("," in item for item in items):', "if False:",
           ("test_query.py",)),
    Change(
        "c14-data-written-anew", "wire/asana.py",
        'body = bytes(data) if prefix is None else b"".join((prefix, data, b"}"))',
        'body = b"".join((prefix or b"", _encode(msgspec.json.decode(data)), b"}"))',
        ("test_child_body.py",),
    ),
    Change("c15-options-over-data", "wire/asana.py", "if _OPTIONS[name] in taken:", "if False:", ("test_query.py",)),
    Change(
        "c16-prefixes-go-down", "contract/headers.py",
        "return name not in _OWN_TO_PARENT and not name.startswith(_OWN_TO_PARENT_PREFIXES)",
        "return name not in _OWN_TO_PARENT",
        ("test_child_headers.py",),
    ),
    Change(
        "c16-names-go-down", "contract/headers.py",
        "return name not in _OWN_TO_PARENT and not name.startswith(_OWN_TO_PARENT_PREFIXES)",
        "return not name.startswith(_OWN_TO_PARENT_PREFIXES)",
        ("test_child_headers.py",),
    ),
    Change("c17-one-scope-for-all", "replay/scope.py", "scope = self._shared.copy()", "scope = self._shared",
           ("test_child_scope.py",)),
    Change("c17-one-environ-for-all", "replay/environ.py", "environ = self._shared.copy()", "environ = self._shared",
           ("test_child_scope.py", "test_child_headers.py", "test_nesting.py")),
    Change("c21-json-on-trust", "wire/results.py", "if is_json and json.valid(body):", "if is_json:",
           ("test_bodies.py",)),
    Change("c24-cookies-twice", "contract/headers.py", "if cookie not in seen:", "if True:", ("test_cookies.py",)),
    Change("c24-cookies-in-results", "contract/headers.py", '        "set-cookie",\n', "", ("test_cookies.py",)),
    Change("c24-no-policy", "contract/flow.py", 'if settings.cors == "host" and cross_origin(parent)',
           'if settings.cors == "off" and cross_origin(parent)', ("test_cors.py",)),
    Change(
        "c26-failures-leave-the-task", "replay/child.py",
        "except BaseException as error:  # noqa: BLE001  # it is the action's alone (C26)",
        "except Exception as error:",
        ("test_failures.py",),
    ),
    Change("c26-any-size", "contract/flight.py", "if record.size > self._max_result_bytes:", "if False:",
           ("test_too_large.py",)),
    Change("c26-any-time", "contract/flight.py",
           "late = [record for record in self._flying.values() if record.deadline <= now]", "late: list[Record] = []",
           ("test_too_slow.py",)),
    Change("c31-batches-in-batches", "contract/deny.py", "for rule in (NESTED, *deny):", "for rule in deny:",
           ("test_nesting.py", "test_deny.py")),
    Change("c32-in-one-case", "contract/deny.py", '+ ")/*", re.IGNORECASE)', '+ ")/*")', ("test_deny.py",)),
    Change("c32-one-decoding", "contract/patterns.py", "for _ in range(2):", "for _ in range(0):", ("test_deny.py",)),
    Change("c33-no-functions", "contract/deny.py", "for ask in self._callables:", "for ask in ():", ("test_deny.py",)),
    Change("c33-allow-all", "contract/deny.py", "if self._allowed is not None:", "if False:", ("test_deny.py",)),
    Change("c34-marked-requests-too", "contract/flow.py", "if mark_of(parent.request) is not None:", "if False:",
           ("test_nesting.py",)),
    Change("c34-marks-for-ever", "replay/tasks.py", "child.record.mark.live = False", "pass", ("test_nesting.py",)),
)  # fmt: skip
