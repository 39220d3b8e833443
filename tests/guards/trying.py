"""The pytest plugin of `make mutate`: runs each test once as it is, and again without each guard that it has reached
and that no test has noticed yet. What is noticed, and what was never reached, goes into a file."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import jinja2.defaults
import pytest
from _pytest.runner import runtestprotocol

from tests.guards import switch
from tests.support.access_world import World

TRIED = set(json.loads(os.environ["PLENARY_GUARDS"]))
TRIES = int(os.environ["PLENARY_GUARDS_TRIES"])
"""How often a guard is taken away for one test function: of many that differ in their values alone, few tell more."""
REPORT = Path(os.environ["PLENARY_GUARDS_REPORT"])
LONGEST_TEST = 60
"""Seconds for one test: without its guard a command may go on for ever, and that is noticed too."""
jinja2.defaults.DEFAULT_NAMESPACE["guard_is_away"] = switch.away
noticed: dict[int, str] = {}
failing: list[str] = []
tries: Counter[tuple[str, int]] = Counter()


worlds: list[World] = []


class Sibling:
    """Stands for a test after this one in the same module, so that what they share stays."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def listchain(self) -> list[pytest.Item | pytest.Collector]:
        """Return the nodes above."""
        return list(self._item.listchain()[:-1])


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
    """Remember the world that the tests of a module share; others of that name are each test's own."""
    made = yield
    if fixturedef.argname == "world":
        worlds[:] = [made] if isinstance(made, World) else []
    return made


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a test, and again without each guard on its way."""
    switch.reached.clear()
    if _fault(item) and _fault(item):
        failing.append(item.nodeid)
    function = item.nodeid.partition("[")[0]
    for number in sorted((switch.reached & TRIED) - noticed.keys()):
        tries[function, number] += 1
        if tries[function, number] > TRIES:
            continue
        switch.active = number
        fault = _fault(item) and _fault(item)
        switch.active = None
        if fault:
            noticed[number] = f"{item.nodeid} {fault}"
    item.session._setupstate.teardown_exact(nextitem)
    REPORT.write_text(json.dumps({"noticed": noticed, "failing": failing}))
    if noticed.keys() >= TRIED:
        item.session.shouldstop = "every guard is noticed"
    return True


def _fault(item: pytest.Item) -> str:
    """Run a test: what is wrong with it, or nothing. What it did without a guard is undone."""
    late: list[bool] = []

    def ring(_number: int, _frame: FrameType | None) -> None:
        late.append(True)
        pytest.fail("does not end")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_TEST, LONGEST_TEST)
    try:
        reports = runtestprotocol(item, log=False, nextitem=Sibling(item))  # type: ignore[arg-type]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    sys.last_exc = sys.last_value = sys.last_traceback = None
    gc.collect()  # What a test that failed left open is no fault of the next.
    if switch.active is not None and "world" in item.fixturenames:  # type: ignore[attr-defined]
        _put_back()
    fails = any(report.failed for report in reports)
    return "does not end" if late else "fails" if fails else ""


def _put_back() -> None:
    for world in worlds:
        if world.keeper:
            world.keeper.put_back()
            world.forget()
