"""C11: what a `relative_path` may be. Ambiguity is refused, never repaired."""

from __future__ import annotations

import pytest

from batchware.contract.paths import read_path
from tests.contract.batching import action, bare_door
from tests.contract.children import child, refusal
from tests.hosts import Host

GOOD = [
    pytest.param("/", "/", id="the API base itself"),
    pytest.param("/tasks", "/tasks", id="one segment"),
    pytest.param("/tasks/1/subtasks", "/tasks/1/subtasks", id="several segments"),
    pytest.param("/tasks/", "/tasks/", id="one trailing slash"),
    pytest.param("/a%20b", "/a b", id="an encoded space"),
    pytest.param("/%C3%A9%e6%97%a5", "/é日", id="encoded UTF-8 in either case"),
    pytest.param("/%F0%9F%98%80", "/\U0001f600", id="beyond the basic plane"),
    pytest.param("/a+b:c@d!e$f&g'h(i)j*k,l;m=n~o-p._", "/a+b:c@d!e$f&g'h(i)j*k,l;m=n~o-p._", id="punctuation"),
    pytest.param('/[a]{b}<c>|^`"', '/[a]{b}<c>|^`"', id="punctuation that is quoted on the wire"),
    pytest.param("/a%3Fb", "/a?b", id="an encoded question mark"),
    pytest.param("/a%23b", "/a#b", id="an encoded hash"),
    pytest.param("/a%25", "/a%", id="an encoded percent sign"),
    pytest.param("/a%252Fb%255Cc", "/a%2Fb%5Cc", id="decoded once"),
    pytest.param("/a%2500", "/a%00", id="and not twice"),
    pytest.param("/%252e%252e", "/%2e%2e", id="not even for dots"),
    pytest.param("/.well-known", "/.well-known", id="a dot in front"),
    pytest.param("/...", "/...", id="three dots"),
    pytest.param("/a..b/c.", "/a..b/c.", id="dots within"),
    pytest.param("/..;/x", "/..;/x", id="dots with parameters are another segment"),
    pytest.param("/%E2%80%A8%E2%80%A9%EF%BB%BF", "/\u2028\u2029\ufeff", id="encoded characters that are no controls"),
    pytest.param("/%C2%A0%C2%AD", "/\u00a0\u00ad", id="an encoded space that is no control"),
    pytest.param("/" + "a" * 2047, "/" + "a" * 2047, id="2,048 bytes"),
    pytest.param("/" + "a" * 2044 + "%41", "/" + "a" * 2044 + "A", id="2,048 bytes with an escape"),
    pytest.param("/" + "%41" * 682 + "b", "/" + "A" * 682 + "b", id="2,047 bytes of escapes"),
]

BAD = [
    pytest.param("", id="empty"),
    pytest.param("tasks", id="no slash"),
    pytest.param(" /tasks", id="a space in front"),
    pytest.param("//tasks", id="two slashes in front"),
    pytest.param("//", id="two slashes"),
    pytest.param("///", id="three slashes"),
    pytest.param("//evil.example/tasks", id="another host"),
    pytest.param("http://testserver/tasks", id="a whole URL"),
    pytest.param("*", id="an asterisk"),
    pytest.param("%2Ftasks", id="an encoded slash in front"),
    pytest.param("/" + "a" * 2048, id="2,049 bytes"),
    pytest.param("/" + "%41" * 683, id="2,050 bytes of escapes"),
    pytest.param("/tasks?limit=1", id="a query"),
    pytest.param("/tasks?", id="a question mark"),
    pytest.param("/tasks#x", id="a fragment"),
    pytest.param("/tasks#", id="a hash"),
    pytest.param("/a\\b", id="a backslash"),
    pytest.param("/\\evil.example", id="a backslash in front"),
    pytest.param("/a b", id="a space"),
    pytest.param("/a ", id="a space behind"),
    pytest.param("/a\tb", id="a tab"),
    pytest.param("/a\nb", id="a line break"),
    pytest.param("/a\n", id="a line break behind"),
    pytest.param("/a\r\nX: y", id="a header"),
    pytest.param("/a\x00", id="NUL"),
    pytest.param("/a\x1f", id="a control character"),
    pytest.param("/a\x7f", id="DEL"),
    pytest.param("/a\x85", id="a line break of latin-1"),
    pytest.param("/a\x9f", id="a control character of latin-1"),
    pytest.param("/a\u2028", id="a line separator"),
    pytest.param("/a\u2029", id="a paragraph separator"),
    pytest.param("/\ufeffa", id="a byte order mark"),
    pytest.param("/é", id="not ASCII"),
    pytest.param("/\uff0fa", id="a full-width slash"),
    pytest.param("/\U0001f600", id="beyond the basic plane"),
    pytest.param("/a%2Fb", id="an encoded slash"),
    pytest.param("/a%2fb", id="an encoded slash in small letters"),
    pytest.param("/a%5Cb", id="an encoded backslash"),
    pytest.param("/a%5cb", id="an encoded backslash in small letters"),
    pytest.param("/%", id="a percent sign"),
    pytest.param("/a%2", id="half an escape"),
    pytest.param("/a%zz", id="no hex digits"),
    pytest.param("/a%2%30", id="an escape in an escape"),
    pytest.param("/a%u0041", id="an escape of JavaScript's"),
    pytest.param("/a%+1", id="a sign in an escape"),
    pytest.param("/%C3", id="half a character"),
    pytest.param("/%C3/%A9", id="half a character in each segment"),
    pytest.param("/%FF", id="a byte that UTF-8 has not"),
    pytest.param("/%C0%AE%C0%AE", id="overlong dots"),
    pytest.param("/%C0%AF", id="an overlong slash"),
    pytest.param("/%ED%A0%80", id="an encoded surrogate"),
    pytest.param("/%F5%80%80%80", id="beyond Unicode"),
    pytest.param("/a%00", id="an encoded NUL"),
    pytest.param("/a%0d%0aX:%20y", id="an encoded header"),
    pytest.param("/a%09", id="an encoded tab"),
    pytest.param("/a%7F", id="an encoded DEL"),
    pytest.param("/a%C2%80", id="the first encoded control character of latin-1"),
    pytest.param("/a%C2%85", id="an encoded line break of latin-1"),
    pytest.param("/a%C2%9F", id="the last encoded control character of latin-1"),
    pytest.param("/tasks//1", id="an empty segment"),
    pytest.param("/tasks//", id="two trailing slashes"),
    pytest.param("/.", id="a dot"),
    pytest.param("/..", id="two dots"),
    pytest.param("/./tasks", id="a dot segment in front"),
    pytest.param("/tasks/./1", id="a dot segment within"),
    pytest.param("/tasks/.", id="a dot segment at the end"),
    pytest.param("/tasks/./", id="a dot segment before the last slash"),
    pytest.param("/../admin", id="the folder above"),
    pytest.param("/tasks/../admin", id="the folder above, from within"),
    pytest.param("/tasks/..", id="the folder above, at the end"),
    pytest.param("/tasks/../", id="the folder above, before the last slash"),
    pytest.param("/%2e/tasks", id="an encoded dot segment"),
    pytest.param("/%2e%2E/admin", id="the folder above, encoded"),
    pytest.param("/.%2e/admin", id="the folder above, half encoded"),
    pytest.param("/tasks/%2e.", id="the folder above, half encoded, at the end"),
]


@bare_door
@pytest.mark.parametrize(("written", "path"), GOOD)
def test_c11_a_path_is_decoded_once(host: Host, written: str, path: str) -> None:
    assert child(host, action(written)).path == path


@bare_door
@pytest.mark.parametrize("written", BAD)
def test_c11_ambiguity_is_refused(host: Host, written: str) -> None:
    message = refusal(host, action(written))
    assert message.startswith("actions[0].relative_path: ")
    assert len(message) < 300


@pytest.mark.parametrize(("written", "path"), GOOD)
def test_c11_the_grammar_takes_it_by_itself(written: str, path: str) -> None:
    assert read_path(written)[0] == path


@pytest.mark.parametrize("written", [*BAD, pytest.param("/\ud800", id="a lone surrogate")])
def test_c11_the_grammar_refuses_it_by_itself(written: str) -> None:
    with pytest.raises(ValueError, match=r"must|has|is not"):
        read_path(written)


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_c11_no_control_character_passes_raw_or_encoded(code: int) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in chr(code).encode())
    for written in (f"/a{chr(code)}", f"/{chr(code)}/b", f"/a{encoded}", f"/{encoded}/b"):
        with pytest.raises(ValueError, match=r"must"):
            read_path(written)


@bare_door
@pytest.mark.parametrize(
    ("route", "written", "path"),
    [
        pytest.param("/api/1.0/batch", "/tasks/1", "/api/1.0/tasks/1", id="in a folder"),
        pytest.param("/api/1.0/batch", "/", "/api/1.0/", id="the folder itself"),
        pytest.param("/api/1.0/batch", "/api/1.0/tasks", "/api/1.0/api/1.0/tasks", id="not relative to the top"),
        pytest.param("/batch", "/api/1.0/tasks", "/api/1.0/tasks", id="at the top"),
        pytest.param("/v1/run", "/tasks", "/v1/tasks", id="whatever the route is called"),
    ],
)
def test_c11_a_path_is_relative_to_the_api_base(host: Host, route: str, written: str, path: str) -> None:
    assert child(host, action(written), options={"path": route}, path=route).path == path
