"""Pytest plugin: the last line of a run names what was skipped and why; in CI a skip fails it."""

import os
from collections import Counter, defaultdict

import pytest


def _skips(config: pytest.Config) -> list[tuple[str, str]]:
    """Where and why, for every test and module that was skipped."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    found: list[tuple[str, str]] = []
    for report in reporter.stats.get("skipped", []) if reporter else []:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        where = report.nodeid.partition("[")[0]
        found.append((where, " ".join(why.removeprefix("Skipped: ").split())))
    return found


def _line(skips: list[tuple[str, str]]) -> str:
    by_reason: dict[str, Counter[str]] = defaultdict(Counter)
    for where, why in skips:
        by_reason[why][where] += 1
    told = [
        ", ".join(f"{where} ({n})" if n > 1 else where for where, n in places.items()) + f": {why}"
        for why, places in by_reason.items()
    ]
    return f"Skipped {len(skips)} - " + "; ".join(told) if told else "Skipped nothing."


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI everything the tests want is installed, so a skip would hide something."""
    if session.exitstatus == pytest.ExitCode.OK and _in_ci() and _skips(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Print the line after pytest's own summary, so that it is the last one."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.option.collectonly:
        return
    skips = _skips(config)
    verdict = " (a failure, in CI)" if skips and _in_ci() else ""
    reporter.write_line(_line(skips) + verdict)
