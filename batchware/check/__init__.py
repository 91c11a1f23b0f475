"""`batchware check module:app`: what batches mean for one application, read from the application itself.

Nothing is sent to it and nothing of it is changed. Frameworks are looked for among the modules that the application
has loaded, and never imported; what can't be told is said to be unknown, never guessed.

    chain      the layers from the outermost middleware to the host, however they are wrapped
    endpoints  the routes of the host, where its framework can tell them
    survey     what becomes of each endpoint: batched or not and why, and the limits that count it
    findings   what looks wrong
    report     all of it as text or JSON
    command    the command line and its exit status
"""

from __future__ import annotations

from .findings import Finding
from .survey import Survey, survey

__all__ = ["Finding", "Survey", "survey"]
