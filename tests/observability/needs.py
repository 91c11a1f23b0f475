"""What a test needs that may not be installed: at a desk the test is skipped with the reason, in CI it fails."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest


def needed(module: str) -> Any:
    """The module, for the top of a test module."""
    if os.environ.get("CI"):
        return importlib.import_module(module)
    return pytest.importorskip(module, reason=f"{module} is not installed", exc_type=ModuleNotFoundError)
