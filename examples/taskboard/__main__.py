"""`python -m examples.taskboard`: reads the command line, and checks that the demo can run at all.

Exit status: 0 if every batch ended as it should; 1 if one did not, if the port is taken, the file is not a taskboard
or something is not installed; 2 for a wrong command line; 130 for Ctrl-C before the demo has ended.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec

# What has to be importable, by host; the names are those of the modules.
EVERY_HOST = ("msgspec", "asgiref")
NEEDS = {
    "starlette": (*EVERY_HOST, "starlette", "python_multipart", "uvicorn"),
    "flask": (*EVERY_HOST, "flask", "waitress"),
    "django": (*EVERY_HOST, "django", "uvicorn"),
}
INSTALL_REDIS = 'pip install -e ".[demo,redis]"'
INSTALL = 'pip install -e ".[demo]"'


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    missing = [name for name in NEEDS[options.host] if find_spec(name) is None]
    if options.redis is not None and find_spec("redis") is None:
        print(f"taskboard: redis not installed; {INSTALL_REDIS} installs it too", file=sys.stderr)
        return 1
    if missing:
        print(f"taskboard: {', '.join(missing)} not installed; {INSTALL} installs all that it needs", file=sys.stderr)
        return 1
    from .limits import read  # noqa: PLC0415  # it imports what has just been looked for

    try:
        read(options.limits)
    except ValueError as error:
        print(f"taskboard: --limits must be {error}", file=sys.stderr)
        return 2
    from .demo import Trouble, run  # noqa: PLC0415  # it imports what has just been looked for

    try:
        return run(options.host, options.port, options.db, options.limits, options.redis, once=options.once)
    except Trouble as trouble:
        print(f"taskboard: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
        return 130


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.taskboard",
        description="A small task manager with a batch endpoint: shows a few batches, then keeps serving.",
    )
    parser.add_argument("--host", choices=NEEDS, default="starlette", help="the framework (default: starlette)")
    parser.add_argument("--port", type=int, default=8000, help="on 127.0.0.1; 0 takes any free one (default: 8000)")
    parser.add_argument("--db", metavar="FILE", default=":memory:", help="keep the data in a file (default: in memory)")
    parser.add_argument(
        "--limits",
        metavar="N/R/W",
        default="1500/50/15",
        help="requests a minute, reads and writes in flight, of one token (default: %(default)s)",
    )
    parser.add_argument("--redis", metavar="URL", help="count them in Redis, shared by all who do (default: in memory)")
    parser.add_argument("--once", action="store_true", help="end after the demo instead of serving on")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535:
        parser.error("argument --port: must be between 0 and 65535")
    return options


if __name__ == "__main__":
    sys.exit(main())
