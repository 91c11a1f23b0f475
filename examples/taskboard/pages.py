"""The page of the taskboard: which files it is made of, and how they are sent.

Decides the routes of the page (`/`, and `/page/...` for what it loads) and their headers: nothing is cached without
asking, scripts and styles come from here alone, and no other site may frame the page. It also decides who gets a
token without a login: whoever opens the page on the machine that it runs on, if the board has a guest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import batchware

from .exchange import JSON, Answer, Refusal, Request, plain, refused

FOLDER = Path(__file__).parent / "page"
CLIENT = Path(batchware.__file__).parent / "client" / "batch.js"

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

SESSION = "/page/session.json"
METHODS = ("GET", "HEAD")

HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
}

# The names under which a browser on this machine reaches a server on the loopback interface. A page of another site
# can have a name of its own point here, but it can't choose these.
LOCAL = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class File:
    """A file of the page, as it was when the server started."""

    content_type: str
    content: bytes
    etag: str

    @classmethod
    def read(cls, path: Path) -> File:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:32]
        return cls(f"{TYPES[path.suffix]}; charset=utf-8", content, f'"{digest}"')

    def answer(self, request: Request) -> Answer:
        """The file, or 304 where the browser has it already."""
        headers = {**HEADERS, "ETag": self.etag}
        known = {tag.strip().removeprefix("W/") for tag in (request.if_none_match or "").split(",")}
        if self.etag in known:
            return Answer(304, headers, b"")
        return plain(200, self.content, self.content_type, headers)


def load() -> dict[str, File]:
    """Every file of the page by its path; `/` is the page itself, and the client is that of the package."""
    files = {f"/page/{path.name}": File.read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}
    return {"/": files.pop("/page/index.html"), **files, "/page/batch.js": File.read(CLIENT)}


FILES = load()
PATHS = (*FILES, SESSION)


def answer(request: Request, path: str, guest: str | None) -> Answer:
    """The answer to GET and HEAD on one of `PATHS`. `guest` is the token for whoever opens the page, or None."""
    if path != SESSION:
        return FILES[path].answer(request)
    if guest is None or urlsplit(request.origin).hostname not in LOCAL:
        return refused(Refusal(403, "This board has no guests: send a token of your own"))
    return plain(200, json.dumps({"token": guest}).encode(), JSON, {**HEADERS, "Cache-Control": "no-store"})
