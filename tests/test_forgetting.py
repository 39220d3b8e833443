"""What is forgotten when: field by field, then all of it, from the database, the disk, and restored backups."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import delete, text

from config import Settings
from registration import forgetting, worker
from registration.domain import clocks, erasure, privacy, showing
from registration.domain.event_file import import_event
from registration.domain.personal import open_personal
from registration.domain.private_folders import private_folder
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Delivery, Event, Registration, Unmasking
from registration.models.organizer import Role
from registration.models.unmasking import Sight
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    DAY,
    EVENT,
    LAST_END,
    MINUTE,
    REGISTER,
    SLUG,
    change,
    load_dialogue,
    move_session,
    registrations,
    take_part,
    take_part_by_rule,
    work,
)
from tests.support.erasing import forget_due, ids_in_file, octets_of, public_ids
from tests.support.organizers import add_people, make_organizer
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FORGOTTEN_AT = LAST_END + 30 * DAY
EARLIER = {"needs": 0, "answers": 7, "organization": 14, "vetting": 7}
MARK = "Zenobia-Marker"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)
    change(app, Event, SLUG, field_days=EARLIER)


@pytest.fixture
def amina(app: Flask, now: datetime) -> int:
    """Somebody with something in every field that can go earlier."""
    with app.app_context():
        personal = {"organization": "Example Women", "answers": {"site": "https://example.org"}, "needs": "A ramp"}
        number = take_part_by_rule(now=now, category="women-led", country="NP", personal=personal)
        with writing():
            db.session.get_one(Registration, number).vetting = b"sealed apart"
    return number


def held(app: Flask, number: int) -> dict[str, object]:
    """What is still there of somebody, beyond name and address."""
    with app.app_context():
        row = db.session.get_one(Registration, number)
        personal = {name: value for name, value in vars(open_personal(row)).items() if value}
        found = {**personal, "country": row.country, "vetting": row.vetting}
        return {name: value for name, value in found.items() if value and name not in ("name", "address")}


def test_each_field_goes_at_its_time_and_the_rest_stays(app: Flask, amina: int, clock: FakeClock) -> None:
    everything = {
        "organization": "Example Women",
        "answers": {"site": "https://example.org"},
        "needs": "A ramp",
        "country": "NP",
        "vetting": b"sealed apart",
    }
    left = dict(everything)
    for moment, gone in (
        (LAST_END - MINUTE, []),
        (LAST_END, ["needs"]),
        (LAST_END + 7 * DAY - MINUTE, []),
        (LAST_END + 7 * DAY, ["answers", "country", "vetting"]),
        (LAST_END + 14 * DAY, ["organization"]),
    ):
        clock.move_to(moment)
        work(app)
        for name in gone:
            del left[name]
        assert (moment, held(app, amina)) == (moment, left)
    with app.app_context():
        assert event_named(SLUG).forgotten_fields == sorted(EARLIER)
        assert event_named(SLUG).forgotten_at is None
        assert open_personal(registrations(AMINA)[0]).name == "amina"


def test_more_people_than_one_batch_lose_the_field(
    app: Flask, now: datetime, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "ROWS_AT_ONCE", 2)
    with app.app_context():
        people = [
            take_part_by_rule(f"p{number}@example.org", now=now, personal={"needs": "A ramp"}) for number in range(5)
        ]
    clock.move_to(LAST_END)
    work(app)
    assert [held(app, number) for number in people] == [{}] * 5
    clock.move_to(FORGOTTEN_AT)
    work(app)
    assert public_ids(app) == set()
    with app.app_context():
        assert event_named(SLUG).kept_numbers == {"youth": {"confirmed": 5}}
        assert event_named(SLUG).forgotten_at == FORGOTTEN_AT


def test_numbers_are_kept_whole_where_deleting_was_broken_off(
    app: Flask, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "ROWS_AT_ONCE", 2)
    with app.app_context():
        for number in range(5):
            take_part_by_rule(f"p{number}@example.org", now=now)
        with writing():
            privacy.forget_people(event_named(SLUG).id)
        assert forget_due(FORGOTTEN_AT) == [(SLUG, 3)]
        assert event_named(SLUG).kept_numbers == {"youth": {"confirmed": 5}}


@SQLITE
def test_a_field_that_is_gone_does_not_come_back_by_a_late_proof(app: Flask, now: datetime) -> None:
    with app.app_context():
        take_part_by_rule(now=now)
        late = LAST_END + MINUTE
        with writing():
            event_named(SLUG).registration_closes = LAST_END + DAY
        forget_due(late)
        number = take_part_by_rule("late@example.org", "women-led", now=late, personal={"needs": "A ramp"})
    assert held(app, number) == {}


@SQLITE
def test_a_session_that_moves_sets_the_clocks_anew(app: Flask, now: datetime, clock: FakeClock) -> None:
    with app.app_context():
        take_part_by_rule(now=now)
    clock.move_to(LAST_END)
    work(app)
    for slug in ("human-rights", "civil-society"):
        move_session(app, slug, 10 * DAY)
    work(app)
    with app.app_context():
        assert event_named(SLUG).forgotten_fields == []


@SQLITE
def test_fields_and_days_come_from_the_event_file_again_and_again(app: Flask, now: datetime) -> None:
    with app.app_context():
        sample = Path("examples/dialogue-2021.yaml").read_bytes()
        with writing():
            event = import_event(sample, as_slug=SLUG, shift_to="2026-05-26", now=now).event
        assert event.field_days == {
            "needs": 0, "captions": 0, "sign": 0, "reason": 7, "answers": 7, "organization": 14,
        }  # fmt: skip
        with writing():
            event_named(SLUG).forgotten_fields = ["needs"]
        with writing():
            import_event(sample, as_slug=SLUG, shift_to="2026-05-26", now=now)
        assert event_named(SLUG).forgotten_fields == ["needs"]


@SQLITE
class TestPagesSayWhatGoesWhen:
    """Per field, with dates in the event's zone, and what has gone already."""

    def test_the_privacy_page_and_when_it_changes(self, app: Flask, client: Client, clock: FakeClock) -> None:
        path = f"{EVENT}privacy/"
        assert client.page(path).texts(".clocks li") == [
            "Goes before the rest, on Wednesday, 27 May 2026: what else you need",
            "Goes before the rest, on Wednesday, 3 June 2026: your answers to the questions, your country among them, "
            "your name for vetting",
            "Goes before the rest, on Wednesday, 10 June 2026: your organization",
        ]
        with app.app_context():
            assert {one.at for one in clocks.clocks(event_named(SLUG))} <= set(showing.page_changes(event_named(SLUG)))
        clock.move_to(LAST_END)
        assert client.page(path).texts(".clocks li")[:2] == [
            "Deleted already, on Wednesday, 27 May 2026: what else you need",
            "Goes before the rest, on Wednesday, 3 June 2026: your answers to the questions, your country among them, "
            "your name for vetting",
        ]

    def test_the_form_and_the_own_page(self, app: Flask, client: Client, smtp: MailServer) -> None:
        said = "Goes before the rest, on Wednesday, 27 May 2026: what else you need"
        assert said in client.page(f"{REGISTER}youth/").texts("main li")
        take_part(client, smtp)
        assert said in client.page("/my/").texts("main li")


@SQLITE
def test_after_event_and_days_nothing_of_anybody_is_on_the_disk(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """0 rows, 0 mails owed, 0 mails on the disk, 0 hits of a name or of what it was sealed as."""
    caplog.set_level(logging.DEBUG)
    folder = app.config["PLENARY"].instance_path
    take_part(client, smtp, "women-led", name=MARK, needs=MARK)
    (folder / "mail").mkdir()
    (folder / "mail" / "a.eml").write_text(MARK)
    left = folder / "private-left"
    left.mkdir()
    (left / "list.csv").write_text(MARK)
    with app.app_context():
        owner = make_organizer("owner@example.org", Role.OWNER)
        with writing():
            row = registrations(AMINA)[0]
            sealed = [row.sealed]
            look = Unmasking(
                public_id="L" * 22, event_id=row.event_id, organizer_id=owner.id, registration_id=row.id,
                what=Sight.CATEGORY, at=clock.now, sealed=b"a reason that names somebody",
            )  # fmt: skip
            db.session.add(look)
    clock.move_to(FORGOTTEN_AT)
    work(app)
    with app.app_context():
        assert [db.session.query(one).count() for one in (Registration, Delivery)] == [0, 0]
        assert [(one.sealed, one.registration_id) for one in db.session.query(Unmasking)] == [(b"", None)]
    octets = octets_of(app.config["PLENARY"].database_url, folder)
    assert [MARK.encode() in octets, b"names somebody" in octets] == [False, False]
    assert [one for one in sealed if one in octets or one[20:60] in octets] == []
    assert list((folder / "mail").iterdir()) == []
    assert not left.exists()
    ours = [one for one in caplog.records if one.name != "mail.log"]  # That is the mail server, which reads the mail.
    assert MARK not in "\n".join(f"{one.getMessage()} {one.__dict__}" for one in ours)


@SQLITE
def test_of_one_who_was_erased_nothing_is_on_the_disk_but_a_random_id(
    app: Flask, client: Client, smtp: MailServer, database_url: str
) -> None:
    take_part(client, smtp, "women-led", name=MARK)
    with app.app_context():
        row = registrations(AMINA)[0]
        public_id, traces = row.public_id, [row.sealed[20:60], row.address_hash]
    client.submit(client.page("/my/erase/").form("form[action='/my/erase/']"))
    work(app)
    work(app)
    octets = octets_of(database_url)
    assert [trace in octets for trace in [*traces, public_id.encode()]] == [False, False, False]
    assert ids_in_file(app) == {public_id}


@SQLITE
def test_a_folder_in_use_stays(app: Flask) -> None:
    folder = app.config["PLENARY"].instance_path
    with private_folder(folder) as mine, app.app_context():
        forgetting._empty_folders(app.config["PLENARY"])
        assert mine.exists()


class TestRestore:
    """A backup from before the erasure is put in place of the database."""

    @pytest.fixture
    def backup(self, app: Flask, client: Client, smtp: MailServer, database_url: str, tmp_path: Path) -> Path:
        """Amina and another are in it; since then Amina was erased."""
        other = app.test_client()
        assert isinstance(other, Client)
        take_part(other, smtp, address="bo@example.org", name="Bo")
        take_part(client, smtp)
        copy = tmp_path / "backup.sqlite"
        source, target = sqlite3.connect(database_url.removeprefix("sqlite:///")), sqlite3.connect(copy)
        source.backup(target)
        source.close()
        target.close()
        client.submit(client.page("/my/erase/").form("form[action='/my/erase/']"))
        work(app)
        work(app)
        assert len(public_ids(app)) == 1
        return copy

    @pytest.fixture
    def restored(self, app: Flask, backup: Path, database_url: str, smtp: MailServer) -> set[str]:
        """Who was erased; the backup is in place, and processes begin anew."""
        with app.app_context():
            db.engine.dispose()
        path = Path(database_url.removeprefix("sqlite:///"))
        for file in path.parent.glob("plenary.sqlite-*"):
            file.unlink()
        shutil.copy(backup, path)
        app.extensions.pop(forgetting.PROGRESS, None)
        smtp.clear()
        erased = ids_in_file(app)
        assert (len(public_ids(app)), len(erased)) == (2, 1)
        return erased

    @SQLITE
    def test_purge_forgets_again_and_tells_nobody(
        self, app: Flask, restored: set[str], runner: FlaskCliRunner, smtp: MailServer
    ) -> None:
        assert runner.invoke(args=["purge"]).output == ""
        assert len(public_ids(app) - restored) == 1
        assert not public_ids(app) & restored
        work(app)
        assert smtp.to(AMINA) == []

    @SQLITE
    def test_a_worker_forgets_at_its_start(self, app: Flask, restored: set[str], smtp: MailServer) -> None:
        work(app)
        assert len(public_ids(app)) == 1
        assert not public_ids(app) & restored
        assert smtp.to(AMINA) == []

    @SQLITE
    def test_no_mail_leaves_before_that_even_where_nobody_sweeps(
        self, app: Flask, restored: set[str], smtp: MailServer
    ) -> None:
        """As under Celery, where to sweep and to deliver are tasks of different processes."""
        with app.app_context():
            assert worker.is_ready()
            assert len(public_ids(app)) == 1

    @SQLITE
    def test_nothing_begins_without_the_file(
        self, app: Flask, restored: set[str], runner: FlaskCliRunner, smtp: MailServer
    ) -> None:
        """The database says that somebody was erased: nobody can know who."""
        with app.app_context(), writing():
            event_named(SLUG).erased = 1
        file = app.config["PLENARY"].erased_file
        file.unlink()
        for command in (["worker"], ["worker", "--once"], ["purge"]):
            result = runner.invoke(args=command)
            assert (result.exit_code, "is lost: put it back" in result.output) == (1, True)
        assert smtp.mails == []
        file.touch()
        assert runner.invoke(args=["worker", "--once"]).exit_code == 0

    @SQLITE
    def test_the_same_event_file_brings_nobody_back(self, app: Flask, restored: set[str], now: datetime) -> None:
        work(app)
        with app.app_context(), writing():
            sample = Path("examples/dialogue-2021.yaml").read_bytes()
            import_event(sample, as_slug=SLUG, shift_to="2026-05-26", now=now)
        work(app)
        assert not public_ids(app) & restored


class TestTheFileTakesNothing:
    """A file of erased ids that cannot be written, here for a folder stands in its place."""

    @pytest.fixture(autouse=True)
    def leaving(self, app: Flask, client: Client, smtp: MailServer) -> Path:
        take_part(client, smtp)
        client.submit(client.page("/my/erase/").form("form[action='/my/erase/']"))
        path: Path = app.config["PLENARY"].erased_file
        path.mkdir()
        return path

    @SQLITE
    def test_nobody_is_deleted_it_is_said_and_tried_again(
        self, app: Flask, leaving: Path, caplog: pytest.LogCaptureFixture, smtp: MailServer
    ) -> None:
        work(app)
        work(app)
        assert len(public_ids(app)) == 1
        assert "nobody is erased until it does" in caplog.text
        assert "Your data was erased" in smtp.last_to(AMINA).text
        leaving.rmdir()
        work(app)
        assert public_ids(app) == set()
        assert len(ids_in_file(app)) == 1

    @SQLITE
    def test_one_that_is_lost_is_not_begun_anew(
        self, app: Flask, leaving: Path, caplog: pytest.LogCaptureFixture, smtp: MailServer
    ) -> None:
        leaving.rmdir()
        with app.app_context(), writing():
            event_named(SLUG).erased = 1
        work(app)
        work(app)
        assert (len(public_ids(app)), leaving.exists()) == (1, False)
        assert "is lost: put it back" in caplog.text
        leaving.touch()
        work(app)
        assert (public_ids(app), len(ids_in_file(app))) == (set(), 1)

    @SQLITE
    def test_purge_says_so_too(self, app: Flask, runner: FlaskCliRunner) -> None:
        result = runner.invoke(args=["purge"])
        assert result.exit_code == 1
        assert "takes nothing down (Is a directory): nobody is erased until it does." in result.output


@SQLITE
class TestSomebodyReads:
    """And keeps the file from being wiped; nobody waits for them long."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, database_url=f"{settings.database_url}?timeout=0.1")

    @contextmanager
    def reading(self, app: Flask) -> Iterator[None]:
        with app.app_context():
            path = str(db.engine.url.database)
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM event").fetchone()
            yield

    def test_the_file_is_wiped_a_minute_later(
        self, app: Flask, client: Client, smtp: MailServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        take_part(client, smtp)
        clock.move_to(LAST_END + 60 * DAY)
        with self.reading(app):
            for _sweep in range(2):
                work(app)
                assert caplog.text.count("not wiped yet") == 1
        assert (public_ids(app), forgotten_at(app)) == (set(), None)
        clock.advance(MINUTE)
        work(app)
        assert caplog.text.count("not wiped yet") == 1
        assert forgotten_at(app) == clock.now

    def test_whoever_asks_for_it_is_noted_and_erased_meanwhile(
        self, app: Flask, client: Client, smtp: MailServer, clock: FakeClock
    ) -> None:
        take_part(client, smtp)
        take_part(app.test_client(), smtp, address="bo@example.org")
        clock.move_to(LAST_END + DAY)
        with self.reading(app):
            work(app)
            client.submit(client.page("/my/erase/").form("form[action='/my/erase/']"))
            work(app)
            work(app)
            assert (len(ids_in_file(app)), len(public_ids(app))) == (1, 1)

    def test_the_log_holds_nothing_of_anybody_as_soon_as_nobody_does(
        self, app: Flask, client: Client, smtp: MailServer, database_url: str
    ) -> None:
        take_part(client, smtp)
        with app.app_context():
            sealed = registrations(AMINA)[0].sealed
        client.submit(client.page("/my/erase/").form("form[action='/my/erase/']"))
        with self.reading(app):
            work(app)
            work(app)
            assert sealed in octets_of(database_url)
        assert public_ids(app) == set()
        work(app)
        assert sealed not in octets_of(database_url)


def test_all_who_ask_for_it_are_noted_at_once(app: Flask, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also behind those whose farewell waits, and in more than one unit of work."""
    monkeypatch.setattr(erasure, "ROWS_AT_ONCE", 2)
    addresses = [f"person{number}@example.org" for number in range(5)]
    with app.app_context():
        for address in addresses:
            take_part_by_rule(address, now=now)
            with writing():
                erasure.erase(registrations(address)[0], by_link=True, now=now)
        forgetting.erase(app, now=now)
        assert len(ids_in_file(app)) == len(public_ids(app)) == 5
        forgetting.erase(app, now=now + DAY)
        assert public_ids(app) == set()


@SQLITE
def test_an_hour_after_somebody_was_erased_the_file_is_built_anew(app: Flask, now: datetime) -> None:
    """Also by a process that began afterwards."""

    def pages() -> int:
        return int(db.session.execute(text("PRAGMA page_count")).scalar_one())

    with app.app_context():
        add_people(300)
        number = take_part_by_rule(now=now)
        with writing():
            erasure.erase(db.session.get_one(Registration, number), by_link=True, now=now)
            db.session.execute(delete(Registration).where(Registration.id != number))
        forgetting.erase(app, now=now + DAY)
        before = pages()
        sizes = []
        for minutes in (0, 59, 60):
            app.extensions.pop(forgetting.PROGRESS, None)
            db.session.rollback()
            forgetting.go_on(app, now=now + DAY + minutes * MINUTE)
            sizes.append(pages())
        assert sizes[:2] == [before, before]
        assert sizes[2] < before - 20


def forgotten_at(app: Flask) -> datetime | None:
    with app.app_context():
        return event_named(SLUG).forgotten_at
