"""Nothing about a person can be read from what somebody might carry away: database, WAL, dumps, backups, logs."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from enum import StrEnum
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from registration.extensions import db
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from tests.support.announcements import announce, leave
from tests.support.bounces import postfix
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.databases import OWNER, Cluster
from tests.support.dialogue import (
    DAY,
    FIND,
    FIRST_START,
    LAST_END,
    MINUTE,
    REGISTER,
    answers,
    link_in,
    load_dialogue,
    sign_up,
    take_part,
    work,
)
from tests.support.organizers import EXPORT, LIST, add_person, at_desk
from tests.support.smtp import MailServer
from tests.support.watcher import found


class Mark(StrEnum):
    """What is typed on the way, and may stand nowhere."""

    NAME = "Zenobia-Marker"
    ADDRESS = "zenobia.marker@example.org"
    ORGANIZATION = "Society-of-Markers"
    NEEDS = "needs-marker-words"
    STRANGER = "stranger-marker"
    TITLE = "neutral-marker"
    ANSWER = "answer-marker"
    ORGANIZER = "olga.marker@example.org"
    WRONG_ADDRESS = "wrong.marker@example.org"
    WRONG_PASSWORD = "password-marker-words"
    UNKNOWN = "unknown.marker@example.org"
    DECLINED = "declined-marker"
    DECISION = "decision-marker-words"
    SEARCH = "zenobia-mark"
    REASON = "export-marker-words"


@pytest.fixture
def walked(
    app: Flask,
    client: Client,
    smtp: MailServer,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> list[str]:
    """A whole walk with all that can go wrong on it. Gives the keys of the links that were mailed."""
    caplog.set_level(logging.DEBUG)
    load_dialogue(app)
    person = answers(
        "women-led",
        name=Mark.NAME,
        address=Mark.ADDRESS,
        question_organization=Mark.ORGANIZATION,
        needs=Mark.NEEDS,
        question_site=f"https://{Mark.ANSWER}.example.org",
    )
    sign_up(client, "women-led", **{**person, "address": f"{Mark.ADDRESS}, x"})
    confirmed = take_part(client, smtp, "women-led", **person)
    sign_up(app.test_client(), name=Mark.STRANGER, address=Mark.ADDRESS)
    client.post(FIND, data={"address": Mark.ADDRESS})
    client.submit(client.page("/my/").form("form[action='/my/']"), discreet=True, neutral_title=Mark.TITLE)
    smtp.replies[Mark.ADDRESS] = f"450 4.2.0 {Mark.ADDRESS} is busy"
    work(app)
    smtp.replies[Mark.ADDRESS] = f"550 5.6.0 {Mark.ADDRESS} unwanted"
    clock.move_to(FIRST_START - DAY)
    work(app)
    smtp.replies.clear()
    clock.move_to(FIRST_START - 15 * MINUTE)
    work(app)
    stop = link_in(smtp.last_to(Mark.ADDRESS), "/unsubscribe/")
    client.post(stop)
    client.get(f"{stop}undo/")
    client.post(FIND, data={"address": Mark.UNKNOWN})
    work(app)
    walk_the_desk(app, clock)
    app.test_cli_runner().invoke(args=["mail", "read-bounce"], input=postfix(smtp.last_to(Mark.ADDRESS).octets))
    client.post(f"{REGISTER}women-led/", data={**person, "name": Mark.STRANGER})  # Waits for the worker at the end.
    proof = next(link_in(mail, "/prove/") for mail in smtp.mails if "/prove/" in mail.text)
    return [path.split("/")[2] for path in (proof, link_in(confirmed, "/my/"), stop)]


def walk_the_desk(app: Flask, clock: FakeClock) -> None:
    """A wrong sign-in, a decline with its reason, a list that is searched and taken, an announcement."""
    stranger = app.test_client()
    assert isinstance(stranger, Client)
    sign_in = stranger.page("/organizer/sign-in/").form()
    stranger.submit(sign_in, 422, address=Mark.WRONG_ADDRESS, password=Mark.WRONG_PASSWORD)
    with app.app_context():
        declined = add_person(Mark.DECLINED, "experts", State.IN_REVIEW)
    desk = at_desk(app, Role.OWNER, address=Mark.ORGANIZER)
    form = desk.page(f"{LIST}?state=in_review").form("main form:has([name=decision])")
    desk.submit(form, chosen=[f"{declined}:in_review"], decision="decline", reason=Mark.DECISION)
    found_there = desk.submit(desk.page(LIST).form("form[role=search]"), search=Mark.SEARCH)
    desk.send(desk.page(found_there.link("Export these")).form("main form"), reason=Mark.REASON)
    desk.send(desk.page(EXPORT).form("main form"), reason=Mark.REASON)
    announce(desk)
    leave(app, clock)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("walked")
def test_the_database_file_and_its_wal_name_nobody(database_url: str) -> None:
    files = sorted(Path(database_url.removeprefix("sqlite:///")).parent.glob("plenary.sqlite*"))
    assert [file.name for file in files][:2] == ["plenary.sqlite", "plenary.sqlite-shm"]
    assert found({*Mark}, b"".join(file.read_bytes() for file in files)) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("walked")
def test_a_dump_and_a_backup_of_sqlite_name_nobody(database_url: str, tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite"
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
        dump = "\n".join(connection.iterdump())
        connection.execute("VACUUM INTO ?", [str(backup)])
    assert "dialogue-next" in dump
    assert found({*Mark}, dump.encode()) == []
    assert b"dialogue-next" in backup.read_bytes()
    assert found({*Mark}, backup.read_bytes()) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("walked")
def test_a_dump_of_postgresql_and_its_servers_log_name_nobody(cluster: Cluster, migrated_postgresql: str) -> None:
    dump = cluster.folder / "data" / "dump.sql"
    cluster.run("pg_dump", "--host", cluster.folder, "--username", OWNER, "--file", dump, migrated_postgresql)
    octets = dump.read_bytes()
    dump.unlink()
    assert b"dialogue-next" in octets
    assert found({*Mark}, octets) == []
    assert found({*Mark}, (cluster.folder / "log").read_bytes()) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_database_holds_no_key_of_a_link(walked: list[str], database_url: str) -> None:
    files = Path(database_url.removeprefix("sqlite:///")).parent.glob("plenary.sqlite*")
    octets = b"".join(file.read_bytes() for file in files)
    # The first half of a key is the registration's public id; the proof behind it is what opens.
    assert [key[:22].encode() in octets for key in walked] == [True, True, True]
    assert [key[22:].encode() in octets for key in walked] == [False, False, False]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("walked")
def test_no_table_of_postgresql_names_anybody(app: Flask) -> None:
    with app.app_context():
        names = db.inspect(db.engine).get_table_names()
        told = "".join(
            str(row) for name in names for row in db.session.execute(text(f"SELECT CAST(t.* AS text) FROM {name} t"))
        )
    assert "dialogue-next" in told
    assert found({*Mark}, told.encode()) == []


def test_no_log_names_anybody_or_holds_a_key(app: Flask, walked: list[str], caplog: pytest.LogCaptureFixture) -> None:
    told = "\n".join(f"{one.getMessage()} {one.__dict__}" for one in caplog.records)
    assert found({*Mark, *walked}, told.encode()) == []


def test_a_statement_that_fails_names_nobody(app: Flask, cluster: Cluster) -> None:
    """Neither in what is raised nor in the log of PostgreSQL's server, which quotes statements and keys."""
    load_dialogue(app)
    person = {"address": Mark.ADDRESS, "needs": Mark.NEEDS}
    with app.app_context():
        add_person(Mark.NAME, **person)
        with pytest.raises(IntegrityError) as raised:
            add_person(Mark.NAME, **person)
    assert found({*Mark}, repr(raised.value).encode() + (cluster.folder / "log").read_bytes()) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("walked")
def test_what_is_forgotten_is_gone_from_the_file_too(app: Flask, clock: FakeClock, database_url: str) -> None:
    """Sealed or not: with the keys, nothing of a person is left to open."""
    with app.app_context():
        held = text("SELECT sealed FROM registration UNION ALL SELECT sealed FROM submission")
        sealed = [bytes(one) for one in db.session.execute(held).scalars()]
    clock.move_to(LAST_END + 30 * DAY)
    work(app)
    with app.app_context():
        assert db.session.execute(text("SELECT count(*) FROM registration")).scalar_one() == 0
    files = Path(database_url.removeprefix("sqlite:///")).parent.glob("plenary.sqlite*")
    octets = b"".join(file.read_bytes() for file in files)
    assert len(sealed) == 3
    assert [one for one in sealed if one in octets or one[20:60] in octets] == []


@pytest.mark.usefixtures("walked")
def test_the_servers_answers_are_kept_by_their_number_alone(app: Flask) -> None:
    with app.app_context():
        codes = set(db.session.execute(text("SELECT reply_code FROM delivery WHERE reply_code <> 250")).scalars())
    assert codes <= {450, 550}
    assert codes
