"""The fixtures of the faults, and the table of what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.figures import SHARE, Figures, recorded, table
from tests.faults.house import House, environ_of, opened
from tests.faults.sink import Sink, running_sink
from tests.faults.workers import Workers

Record = Callable[..., None]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, where the faults were asked for."""
    if SHARE and recorded:
        terminalreporter.section("faults")
        for line in table():
            terminalreporter.write_line(line)


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A mail server that keeps a book, and fails where it is told to."""
    with running_sink() as running:
        yield running


@pytest.fixture
def environ(database_url: str, sink: Sink, tmp_path: Path) -> dict[str, str]:
    """The settings of every process."""
    return environ_of(database_url, sink, tmp_path)


@pytest.fixture
def house(environ: dict[str, str], sink: Sink) -> Iterator[House]:
    """The Dialogue on a fresh database, and the settings that a worker needs."""
    with opened(environ, sink) as made:
        yield made


@pytest.fixture
def workers(house: House, sink: Sink) -> Iterator[Workers]:
    """Worker processes on this house; none outlives the test."""
    running = Workers(house.environ)
    try:
        yield running
    finally:
        sink.release()
        running.end_all()


@pytest.fixture
def record(house: House) -> Record:
    """Write a row of the table."""

    def write(
        case: str,
        *,
        runs: int = 1,
        mails: int,
        kills: int = 0,
        lost: int = 0,
        duplicates: int = 0,
        worst: float,
        wrong: int = 0,
    ) -> None:
        recorded.append(Figures(case, house.database, runs, mails, kills, lost, duplicates, worst, wrong))

    return write
