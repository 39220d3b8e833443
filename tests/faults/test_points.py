"""A worker killed at a named point of handing one mail over."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.faults.conftest import Record
from tests.faults.figures import ONE_IN_SHORT, times
from tests.faults.house import House, until
from tests.faults.sink import Point, Stall
from tests.faults.workers import Worker, Workers

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
MAILS = 3
DEADLINE = 30
AT_COMMIT = """
CREATE FUNCTION wait_at_commit() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER wait_at_commit AFTER UPDATE ON delivery DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.state = 'sent') EXECUTE FUNCTION wait_at_commit()
"""
IN_COMMIT = "SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'advisory'"


@ONE_IN_SHORT
@pytest.mark.parametrize("point", [Point.CONNECT, Point.MAIL, Point.DATA, Point.DOT])
def test_a_worker_killed_while_it_waits_for_an_answer(
    house: House, workers: Workers, record: Record, point: Point
) -> None:
    """After the claim, after MAIL, before the dot, and between the dot and its 250."""
    kills = times(20, 1)
    for _kill in range(kills):
        worker, _stall = _worker_at(point, house, workers)
        workers.end(worker, signal.SIGKILL)
        house.sink.release()
        house.expire()
    copies = kills if point is Point.DOT else 0
    _finish(f"F2 kill at {point}", house, workers, record, kills=kills, duplicates=copies)


def test_a_worker_killed_between_the_250_and_its_commit(house: House, workers: Workers, record: Record) -> None:
    """It has read the 250, and finds the database locked by somebody else."""
    kills = times(20, 1)
    for _kill in range(kills):
        worker, stall = _worker_at(Point.DOT, house, workers)
        with _locked(house):
            stall.go_on.set()
            assert stall.answered.wait(DEADLINE)
            _await_read(stall.port)
            workers.end(worker, signal.SIGKILL)
        house.sink.release()
        house.expire()
    _finish("F2 kill after the 250", house, workers, record, kills=kills, duplicates=kills)


@POSTGRESQL
def test_a_worker_killed_in_its_commit(house: House, workers: Workers, record: Record) -> None:
    """Its commit waits on a deferred trigger, and is carried out when the worker is long dead."""
    kills = times(20, 1)
    with _waiting_commits(house) as connection:
        for _kill in range(kills):
            connection.execute("SELECT pg_advisory_lock(42)")
            worker, stall = _worker_at(Point.DOT, house, workers)
            stall.go_on.set()
            until(lambda: connection.execute(IN_COMMIT).fetchone() == (1,), "a worker in its commit")
            workers.end(worker, signal.SIGKILL)
            connection.execute("SELECT pg_advisory_unlock(42)")
            until(lambda: connection.execute(IN_COMMIT).fetchone() == (0,), "the end of the commit")
            house.sink.release()
            house.expire()
    _finish("F2 kill in the commit", house, workers, record, kills=kills, duplicates=0)


@SQLITE
@pytest.mark.skipif(not shutil.which("strace"), reason="strace, which kills at a call of the system, is not here")
def test_a_worker_killed_while_it_writes_its_commit(house: House, workers: Workers, record: Record) -> None:
    """The kill comes with its first, second, third ... write to the log of the database, or with the fsync after."""
    kills = times(20, 2)
    for kill in range(kills):
        worker, stall = _worker_at(Point.DOT, house, workers)
        with _killed_at_write(worker, 1 + kill % 4):
            stall.go_on.set()
            assert workers.join(worker, DEADLINE) == -signal.SIGKILL
        house.sink.release()
        house.expire()
    _finish("F2 kill in the commit", house, workers, record, kills=kills, duplicates=None)


def _worker_at(point: Point, house: House, workers: Workers) -> tuple[Worker, Stall]:
    house.owe(MAILS)
    stall = house.sink.stall_once(point)
    worker = workers.start()
    assert stall.reached.wait(DEADLINE)
    return worker, stall


def _finish(case: str, house: House, workers: Workers, record: Record, *, kills: int, duplicates: int | None) -> None:
    """Let the rest leave, and compare; `duplicates` is how many there must be, None: at most one each kill."""
    workers.start()
    worst = house.drained()
    result = house.result()
    record(
        case, runs=kills, mails=result.mails, kills=kills, lost=result.lost, duplicates=result.duplicates, worst=worst
    )
    assert result.lost == 0
    assert result.duplicates <= kills if duplicates is None else result.duplicates == duplicates
    assert house.is_whole()


@contextmanager
def _locked(house: House) -> Iterator[None]:
    """Nobody else can write to the outbox."""
    if house.database == "sqlite":
        connection = sqlite3.connect(house.environ["DATABASE_URL"].removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.close()
    else:
        with _postgresql(house) as other, other.transaction():
            other.execute("SELECT id FROM delivery FOR UPDATE")
            yield


@contextmanager
def _waiting_commits(house: House) -> Iterator[psycopg.Connection]:
    """Commits of a sent mail wait for whoever holds the advisory lock 42."""
    with _postgresql(house) as connection:
        connection.execute(AT_COMMIT)
        try:
            yield connection
        finally:
            connection.execute("DROP FUNCTION wait_at_commit CASCADE")


def _postgresql(house: House) -> psycopg.Connection:
    return psycopg.connect(house.environ["DATABASE_URL"].replace("+psycopg", ""), autocommit=True)


def _await_read(port: int) -> None:
    until(lambda: _has_read(port), "a worker that has read the 250")


def _has_read(port: int) -> bool:
    """Whether the program behind a port of this machine has read all that came to it (proc(5), /proc/net/tcp)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    waiting = [row[4].partition(":")[2] for row in rows if int(row[1].partition(":")[2], 16) == port]
    return waiting == ["00000000"]


@contextmanager
def _killed_at_write(worker: Worker, number: int) -> Iterator[None]:
    """A worker that gets SIGKILL with its so-and-so-manyth write from now on (4: with the fsync after them)."""
    calls = "pwrite64" if number < 4 else "fdatasync,fsync"
    when = number if number < 4 else 1
    command = ["strace", "-f", "-p", str(worker.pid), "-e", f"trace={calls}",
               "-e", f"inject={calls}:signal=SIGKILL:when={when}"]  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as tracer:
        try:
            assert tracer.stderr
            assert b"attached" in tracer.stderr.readline()
            yield
        finally:
            tracer.kill()
