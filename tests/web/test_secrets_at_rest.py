"""Nothing about a person can be read from the files that somebody might carry away: database, WAL, logs."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from registration.extensions import db
from tests.support.client import Client
from tests.support.clock import FakeClock
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
from tests.support.smtp import MailServer

MARKS = [
    "Zenobia-Marker",
    "zenobia.marker@example.org",
    "Society-of-Markers",
    "needs-marker-words",
    "stranger-marker",
    "neutral-marker",
    "answer-marker",
]


@pytest.fixture
def walked(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> list[str]:
    """A whole walk with all that can go wrong on it. Gives the keys of the links that were mailed."""
    caplog.set_level(logging.DEBUG)
    load_dialogue(app)
    person = answers(
        "women-led",
        name=MARKS[0],
        address=MARKS[1],
        question_organization=MARKS[2],
        needs=MARKS[3],
        question_site="https://answer-marker.example.org",
    )
    sign_up(client, "women-led", **{**person, "address": f"{MARKS[1]}, x"})
    confirmed = take_part(client, smtp, "women-led", **person)
    sign_up(app.test_client(), name=MARKS[4], address=MARKS[1])
    client.post(FIND, data={"address": MARKS[1]})
    client.submit(client.page("/my/").form("form[action='/my/']"), discreet=True, neutral_title=MARKS[5])
    smtp.replies[MARKS[1]] = f"450 4.2.0 {MARKS[1]} is busy"
    work(app)
    smtp.replies[MARKS[1]] = f"550 5.6.0 {MARKS[1]} unwanted"
    clock.move_to(FIRST_START - DAY)
    work(app)
    smtp.replies.clear()
    clock.move_to(FIRST_START - 15 * MINUTE)
    work(app)
    stop = link_in(smtp.last_to(MARKS[1]), "/unsubscribe/")
    client.post(stop)
    client.get(f"{stop}undo/")
    client.post(f"{REGISTER}women-led/", data={**person, "name": MARKS[4]})  # Waits for the worker at the end.
    proof = next(link_in(mail, "/prove/") for mail in smtp.mails if "/prove/" in mail.text)
    return [path.split("/")[2] for path in (proof, link_in(confirmed, "/my/"), stop)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("walked")
def test_the_database_file_and_its_wal_name_nobody(database_url: str) -> None:
    files = sorted(Path(database_url.removeprefix("sqlite:///")).parent.glob("plenary.sqlite*"))
    assert [file.name for file in files][:2] == ["plenary.sqlite", "plenary.sqlite-shm"]
    octets = b"".join(file.read_bytes() for file in files)
    assert [mark for mark in MARKS if mark.encode() in octets or mark.lower().encode() in octets] == []


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
    assert [mark for mark in MARKS if mark in told or mark.encode().hex() in told] == []


def test_no_log_names_anybody_or_holds_a_key(app: Flask, walked: list[str], caplog: pytest.LogCaptureFixture) -> None:
    told = "\n".join(f"{one.getMessage()} {one.__dict__}" for one in caplog.records)
    assert [mark for mark in [*MARKS, *walked] if mark in told] == []


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
    assert len(sealed) == 2
    assert [one for one in sealed if one in octets or one[20:60] in octets] == []


@pytest.mark.usefixtures("walked")
def test_the_servers_answers_are_kept_by_their_number_alone(app: Flask) -> None:
    with app.app_context():
        codes = set(db.session.execute(text("SELECT reply_code FROM delivery WHERE reply_code <> 250")).scalars())
    assert codes <= {450, 550}
    assert codes
