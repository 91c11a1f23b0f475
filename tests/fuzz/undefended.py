"""What the eleven frameworks do with an action that nothing checks: the `measured` of a case of the corpus.

`python -m tests.fuzz.undefended CASES` reads cases as lines of JSON, gives each that is an action its `measured`, and
prints the lines. The action is replayed as a batch endpoint without a thought would do it: the method in upper case,
the path as it is written, parameters joined as they are; its headers, if it has any, are the request's.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tests.hosts import HOSTS, Host, probe
from tests.hosts.clients import send

_DENIED = {"/batch", "/organization_exports", "/organization_exports/{id}", "/scim/v2/Users", "/scim/v2/Users/{id}"}
_UPLOADS = {"/attachments", "/tasks/{id}/attachments"}
_WIRE = "".join(map(chr, range(0x21, 0x7F)))


def measured(action: dict[str, Any]) -> dict[str, Any]:
    """Which frameworks ran a denied handler, and what became of the action in the others."""
    reached: list[str] = []
    others: Counter[str] = Counter()
    for host in HOSTS:
        if host.id in ("asgi", "wsgi"):
            continue
        denied, outcome = _replayed(host, action)
        if denied:
            reached.append(host.id.replace("-", "_"))
        else:
            others[outcome] += 1
    return {"undefended_reaches_denied": reached, "else": dict(sorted(others.items()))}


def _replayed(host: Host, action: dict[str, Any]) -> tuple[bool, str]:
    probe.reset()
    method = str(action["method"]).upper()
    target = quote(str(action["relative_path"]), safe=_WIRE)
    data = action.get("data")
    body = b""
    if isinstance(data, dict) and method in ("GET", "HEAD", "DELETE"):
        target += "?" + urlencode(data, doseq=True)
    elif data is not None:
        body = json.dumps({"data": data}).encode()
    headers = [("Content-Type", "application/json")] if body else []
    lint = {"lint": False} if host.door == "wsgi" else {}
    response = send(host.shared(), host.door, method, target, headers=headers, body=body, **lint)
    denied = any(
        template in _DENIED or (template in _UPLOADS and called == "POST") for template, called, _ in probe.seen
    )
    if response.raised is not None:
        return denied, f"EXC:{type(response.raised).__name__}"
    if probe.seen:
        return denied, probe.seen[0][0]
    location = response.header("location")
    return denied, f"{response.status}>{location}" if location else str(response.status)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.undefended", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("cases", type=Path, help="a file of cases, one JSON object a line")
    logging.disable(logging.CRITICAL)
    for line in parser.parse_args().cases.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if isinstance(case.get("action"), dict) and {"method", "relative_path"} <= set(case["action"]):
            case["measured"] = measured(case["action"])
        sys.stdout.write(json.dumps(case) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
