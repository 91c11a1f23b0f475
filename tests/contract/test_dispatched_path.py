"""C12: the value that was checked is the value that is dispatched, in every form in which a host may look at it."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from batchware import Action, BatchHooks, Outcome, Parent
from tests.contract.batching import action, bare_door, every_host, host_named, post_batch, wrap
from tests.contract.children import child
from tests.contract.spies import Spy
from tests.hosts import Host, deviations
from tests.hosts.clients import send
from tests.hosts.probe import seen

ASGI = host_named("asgi")
WSGI = host_named("wsgi")


@every_host
@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/tasks/1", id="plain"),
        pytest.param("/tasks/a%20b", id="a space"),
        pytest.param("/tasks/%E6%97%A5%F0%9F%98%80", id="Unicode"),
        pytest.param("/tasks/caf%c3%a9", id="small hex digits"),
        pytest.param("/tasks/%C2%A0%E2%80%A8", id="spaces that are no controls"),
        pytest.param("/tasks/a%2Bb+c%3Ad:e", id="escapes that need not be"),
        pytest.param("/tasks/a%252Fb", id="an escape that was escaped"),
        pytest.param("/tasks/100%25", id="a percent sign"),
        pytest.param("/tasks/a%3Fb%23c", id="what ends a path elsewhere"),
        pytest.param("/files/a/b/c", id="several segments"),
        pytest.param("/tasks/1;v=2", id="parameters"),
        pytest.param("/%74asks/1", id="an escape that need not be in a literal"),
        pytest.param("/", id="the top"),
        pytest.param("/teams/", id="a trailing slash"),
        pytest.param("/Tasks/1", id="another case"),
    ],
)
def test_c12_the_router_sees_what_a_direct_request_shows_it(host: Host, target: str) -> None:
    direct = send(host.shared(), host.door, "GET", target)
    routed = list(seen)
    seen.clear()
    result = post_batch(wrap(host), host, [action(target)]).result
    assert result["status_code"] == direct.status
    assert seen == routed
    if direct.header("content-type") == "application/json":
        assert result["body"] == direct.json()


@every_host
def test_c12_and_so_does_the_handler(host: Host) -> None:
    for target in ("/echo/a%20%C3%A9%252F+b;c=d", "/echo/%E6%97%A5/x:@&=", "/api/1.0/echo"):
        direct = send(host.shared(), host.door, "GET", target).json()
        batched = post_batch(wrap(host), host, [action(target)]).result["body"]
        assert (batched["path"], batched["url"]) == (direct["path"], direct["url"])


@pytest.mark.parametrize(
    ("written", "path", "raw_path", "path_info"),
    [
        pytest.param("/tasks/1", "/tasks/1", b"/tasks/1", "/tasks/1", id="plain"),
        pytest.param("/a%20b", "/a b", b"/a%20b", "/a b", id="a space"),
        pytest.param("/%c3%a9", "/é", b"/%C3%A9", "/Ã©", id="UTF-8"),
        pytest.param("/%e6%97%a5", "/日", b"/%E6%97%A5", "/æ\x97¥", id="three bytes of UTF-8"),
        pytest.param("/%25%3F%23", "/%?#", b"/%25%3F%23", "/%?#", id="what ends a path elsewhere"),
        pytest.param("/%41%2d%7e", "/A-~", b"/A-~", "/A-~", id="escapes that need not be"),
        pytest.param("/%3A%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%7E%2D%2E%5F", "/:@!$&'()*+,;=~-._",
                     b"/:@!$&'()*+,;=~-._", "/:@!$&'()*+,;=~-._", id="all that stays"),
        pytest.param('/"<>[]^`{|}', '/"<>[]^`{|}', b"/%22%3C%3E%5B%5D%5E%60%7B%7C%7D", '/"<>[]^`{|}', id="quoted"),
    ],
)  # fmt: skip
def test_c12_path_raw_path_and_path_info_are_one_value(
    written: str, path: str, raw_path: bytes, path_info: str
) -> None:
    scope = child(ASGI, action(written)).frame
    assert (scope["path"], scope["raw_path"]) == (path, raw_path)
    assert child(WSGI, action(written)).frame["PATH_INFO"] == path_info


@pytest.mark.parametrize(
    ("root_path", "parent", "route", "path", "raw_path"),
    [
        pytest.param("", "/batch", "/batch", "/x", b"/x", id="no mount point"),
        pytest.param("/mnt", "/mnt/batch", "/batch", "/mnt/x", b"/mnt/x", id="in front of the parent's path"),
        pytest.param("/mnt", "/batch", "/batch", "/x", b"/x", id="not in front of it"),
        pytest.param("/bat", "/batch", "/batch", "/x", b"/x", id="only letters in front of it"),
        pytest.param("/mnt", "/mnt/v1/batch", "/v1/batch", "/mnt/v1/x", b"/mnt/v1/x", id="with an API base"),
        pytest.param("/v1", "/v1/batch", "/batch", "/v1/x", b"/v1/x", id="like an API base"),
        pytest.param("/m t", "/m t/batch", "/batch", "/m t/x", b"/m%20t/x", id="that is quoted"),
        pytest.param("/é", "/é/ü/batch", "/ü/batch", "/é/ü/x", b"/%C3%A9/%C3%BC/x", id="that is not ASCII"),
    ],
)
def test_c12_root_path_is_in_front_exactly_where_it_is_in_front_of_the_parents(
    root_path: str, parent: str, route: str, path: str, raw_path: bytes
) -> None:
    extra = {"root_path": root_path, "path": parent, "raw_path": quote(parent).encode()}
    scope = child(ASGI, action("/x"), options={"path": route}, scope_extra=extra).frame
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == (root_path, path, raw_path)


@pytest.mark.parametrize(("route", "path_info"), [("/batch", "/x"), ("/v1/batch", "/v1/x"), ("/ü/batch", "/Ã¼/x")])
def test_c12_script_name_stays_in_its_place(route: str, path_info: str) -> None:
    environ = child(WSGI, action("/x"), options={"path": route}, path=quote(route), root_path="/mnt").frame
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/mnt", path_info)


@every_host
def test_c12_below_a_mount_point_the_same_handler_answers(host: Host) -> None:
    sent = {"root_path": "/mnt", "scheme": "https", "server": ("h.example", 8443)}
    direct = send(host.shared(), host.door, "GET", "/api/1.0/echo/q", **sent)
    batched = post_batch(wrap(host), host, [action("/api/1.0/echo/q")], **sent).result
    assert batched["status_code"] == direct.status == (404 if host.id in deviations.KEEPS_ROOT_PATH else 200)
    if direct.status == 200:
        assert batched["body"]["url"] == direct.json()["url"] == "https://h.example:8443/mnt/api/1.0/echo/q"


@bare_door
def test_c12_rules_hooks_and_router_see_the_same_value(host: Host) -> None:
    told: dict[str, str] = {}

    def rule(action: Action, parent: Parent) -> None:
        told["rule"] = action.path

    class Hooks(BatchHooks):
        def on_batch(self, parent: Parent, actions: object, outcomes: list[Outcome], seconds: float) -> None:
            told["hook"] = actions[0].path

    spy = Spy(host.door)
    app = wrap(spy, path="/v1/batch", deny=[rule], hooks=[Hooks()])
    post_batch(app, host, [action("/%74asks/%C3%A9%2541")], path="/v1/batch")
    (request,) = spy.seen
    assert told == {"rule": "/tasks/é%41", "hook": "/tasks/é%41"}
    assert request.path == "/v1" + told["rule"]


@bare_door
def test_c12_the_deny_list_sees_the_decoded_value(host: Host) -> None:
    spy = Spy(host.door)
    actions = [action("/%73cim/v2/Users"), action("/scim%2Fv2"), action("/b%61tch", "post")]
    assert post_batch(wrap(spy), host, actions).statuses == [400] * 3
    assert not spy.seen
