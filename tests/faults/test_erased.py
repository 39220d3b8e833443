"""Erasing people while processes are killed, disks are full, mail servers are away, and backups come back."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import select

from config import Settings, load_settings
from registration import clock, create_app, forgetting
from registration.domain import erased_ids, erasure
from registration.extensions import db, writing
from registration.models import Registration
from tests.faults.disks import mounted
from tests.faults.house import House, until
from tests.faults.sink import Point, Sink
from tests.faults.test_backups import backup_of, close, restored_house
from tests.faults.workers import Workers

DEADLINE = 30
_context = multiprocessing.get_context("forkserver")


def settings_of(house: House) -> Settings:
    settings: Settings = house.app.config["PLENARY"]
    return settings


def ids(house: House) -> set[str]:
    with house.app.app_context():
        return set(db.session.scalars(select(Registration.public_id)))


def newest(house: House) -> str:
    """Somebody new who has a mail to come."""
    house.owe(1)
    with house.app.app_context():
        return db.session.scalars(select(Registration.public_id).order_by(Registration.id.desc()).limit(1)).one()


def erase(house: House, public_id: str) -> None:
    with house.app.app_context(), writing():
        row = db.session.scalars(select(Registration).where(Registration.public_id == public_id)).one()
        erasure.erase(row, by_link=True, now=clock.now())


@pytest.mark.parametrize("point", ["before the delete", "before the commit"])
def test_a_process_killed_in_the_middle_is_followed_by_one_that_finishes(
    house: House, workers: Workers, point: str
) -> None:
    public_id = newest(house)
    erase(house, public_id)
    workers.join(workers.start("--once"), 60)
    killed = _context.Process(target=_finish_and_die, args=(house.environ, public_id, point), daemon=True)
    killed.start()
    killed.join(DEADLINE)
    assert killed.exitcode == -signal.SIGKILL
    workers.join(workers.start("--once"), 60)
    assert ids(house) == set()
    assert erased_ids.read(settings_of(house).erased_file) == {public_id}
    assert house.is_whole()


def _finish_and_die(environ: dict[str, str], public_id: str, point: str) -> None:
    """Do what a sweep does, up to a point."""
    app = create_app(load_settings(environ))
    with app.app_context():
        erased_ids.note(app.config["PLENARY"].erased_file, [public_id])
        if point == "before the commit":
            with writing():
                erasure.finish([public_id], now=clock.now())
                os.kill(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_erases_nobody_until_there_is_room(house: House, environ: dict[str, str], sink: Sink) -> None:
    public_id = newest(house)
    erase(house, public_id)
    folder = Path(tempfile.mkdtemp(prefix="erased-"))
    with mounted(folder) as disk:
        settings = load_settings({**environ, "ERASED_FILE": str(folder / "erased.txt")})
        with house.app.app_context():
            erased_ids.note(settings.erased_file, [])
            with disk.full(), pytest.raises(OSError, match="No space left on device"):
                forgetting.erase_leaving(settings, now=clock.now())
        assert ids(house) == {public_id}
        assert erased_ids.read(settings.erased_file) == set()
        with house.app.app_context():
            forgetting.erase_leaving(settings, now=clock.now())
        assert erased_ids.read(settings.erased_file) == {public_id}


def test_while_the_mail_server_is_away_the_farewell_waits(house: House, workers: Workers) -> None:
    public_id = newest(house)
    stall = house.sink.stall_once(Point.CONNECT)
    erase(house, public_id)
    worker = workers.start()
    assert stall.reached.wait(DEADLINE)
    until(lambda: erased_ids.read(settings_of(house).erased_file) == {public_id}, "an id in the file")
    assert ids(house) == {public_id}
    stall.go_on.set()
    until(lambda: not ids(house), "a row that goes")
    assert ["Your data was erased" in one.text for one in house.sink.book] == [True]
    workers.end(worker, signal.SIGTERM)


def test_a_restored_backup_forgets_who_was_erased_since(
    house: House, workers: Workers, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The mail that waits for them in the backup is not sent either."""
    stays, goes = newest(house), newest(house)
    restore = backup_of(house, tmp_path / "backup", request)
    erase(house, goes)
    workers.join(workers.start("--once"), 60)
    workers.join(workers.start("--once"), 60)
    assert ids(house) == {stays}
    restored = restored_house(restore(), house)
    assert ids(restored) == {stays, goes}
    sent = len(house.sink.book)
    others = Workers(restored.environ)
    try:
        others.join(others.start("--once"), 60)
        assert ids(restored) == {stays}
        assert len(house.sink.book) - sent == 1
    finally:
        others.end_all()
        close(restored)
