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
LONGEST = 60
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
    if not _passes(item) and not _passes(item):
        failing.append(item.nodeid)
    function = item.nodeid.partition("[")[0]
    for number in sorted((switch.reached & TRIED) - noticed.keys()):
        tries[function, number] += 1
        if tries[function, number] > TRIES:
            continue
        switch.active = number
        passes = _passes(item) or _passes(item)
        switch.active = None
        for world in worlds:
            _put_back(world)
        if not passes:
            noticed[number] = item.nodeid
    item.session._setupstate.teardown_exact(nextitem)
    REPORT.write_text(json.dumps({"noticed": noticed, "failing": failing}))
    if noticed.keys() >= TRIED:
        item.session.shouldstop = "every guard is noticed"
    return True


def _put_back(world: World) -> None:
    if world.keeper:
        world.keeper.put_back()
        world.forget()


def _passes(item: pytest.Item) -> bool:
    signal.signal(signal.SIGALRM, lambda _number, _frame: pytest.fail("does not end"))
    signal.alarm(LONGEST)
    reports = runtestprotocol(item, log=False, nextitem=Sibling(item))  # type: ignore[arg-type]
    signal.alarm(0)
    sys.last_exc = sys.last_value = sys.last_traceback = None
    gc.collect()  # What a test that failed left open is no fault of the next.
    return not any(report.failed for report in reports)
