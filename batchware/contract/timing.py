"""`Server-Timing` on the batch answer: how long each action took, for whoever looks at it in a browser.

Names and statuses only, never a path or a parameter: the header stands in logs of proxies that bodies do not reach. Its
size is bounded, since servers and proxies refuse header sections from 8 KiB on.
"""

from __future__ import annotations

from collections.abc import Sequence

from .flight import Record
from .model import Headers

MOST = 50
"""Actions that have an entry of their own; at most some 2 KiB."""


def timing_fields(records: Sequence[Record]) -> Headers:
    """One entry for each action, `a0;desc="GET 200";dur=12.3`, and one for all that are past the fiftieth."""
    entries = [
        f'a{record.action.index};desc="{_described(record)}";dur={_milliseconds([record])}' for record in records[:MOST]
    ]
    if rest := records[MOST:]:
        entries.append(f'rest;desc="the slowest of {len(rest)} more";dur={_milliseconds(rest)}')
    return [("server-timing", ", ".join(entries))]


def _described(record: Record) -> str:
    status = record.outcome.status if record.outcome is not None else ""
    return f"{record.action.method} {status}" if record.refusal is None else f"refused {status}"


def _milliseconds(records: Sequence[Record]) -> str:
    return f"{max(record.outcome.seconds for record in records if record.outcome is not None) * 1000:.1f}"
