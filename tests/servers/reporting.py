"""The log of the servers that a failed test has asked for, in its report: for a `conftest.py` to import."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.servers.running import Running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for value in item.funcargs.values():
            if isinstance(value, Running):
                report.sections.append((f"log of {value.server.id}", value.log()[-20_000:]))
    return report
