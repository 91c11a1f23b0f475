"""What a test needs that may not be installed: outside CI it is skipped then, in CI it fails."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest


def require(*modules: str) -> None:
    """Skips where one of `modules` is not installed, except in CI, where everything has to be."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"needs {', '.join(missing)}, which is not installed")
    assert not missing, f"needs {', '.join(missing)}"
