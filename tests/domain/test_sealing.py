"""Every sealed column is known, and what is in it comes under the newest key while others write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import LargeBinary, select, update

from config import SealKey, Settings
from registration.domain import exports, participation, sealing, second_factor
from registration.domain.personal import open_personal, seal_into
from registration.domain.programme import event_named
from registration.domain.sealing import SEALED
from registration.extensions import Base, db, keyring, writing
from registration.keys import new_public_id
from registration.models import Event, Organizer, Registration, Submission, Unmasking
from registration.models.organizer import Role
from registration.models.submission import SubmissionKind
from registration.models.unmasking import Sight
from tests.support.dialogue import SLUG, load_dialogue
from tests.support.organizers import add_people, add_person, make_organizer, started_session

NEW = SealKey("k2", bytes(range(32, 64)))
WRITERS, WRITES = 2, 40
KEYED_HASHES = {"address_hash", "claim", "digest", "message_digest", "token_digest", "told_words", "proof"}
"""Columns of octets in which there is nothing that opens."""


@pytest.fixture
def rekeyed(app: Flask, settings: Settings) -> Iterator[Flask]:
    """The Dialogue with people in it, started anew with k2 in front of k1."""
    load_dialogue(app)
    with app.app_context():
        people_in_every_column()
    keyring.init_app(app, settings.secret_key, (NEW, *settings.seal_keys))
    yield app
    keyring.init_app(app, settings.secret_key, settings.seal_keys)


def people_in_every_column() -> None:
    """A value in each sealed column at least."""
    organizer = make_organizer("olga@example.org", Role.EXPORTER)
    add_people(19)
    with writing():
        second_factor.begin(started_session(organizer, now=organizer.created_at), now=organizer.created_at)
    person, seal, now = add_person("Amina"), keyring.keys.seal, organizer.created_at
    order = exports.Order(format=exports.Format.CSV, reason="For the doors")
    with writing():
        event = event_named(SLUG)
        exports.write_down(event, organizer, order, now=now)
        exports.write_down(event, organizer, order, now=now).sealed = b""
        vetting = seal({"name": "Amina Example"}, f"vetting/{person}")
        db.session.execute(update(Registration).where(Registration.public_id == person).values(vetting=vetting))
        db.session.add_all([submission(event, now=now), unmasking(event, organizer, now=now)])


def submission(event: Event, *, now: datetime) -> Submission:
    public_id = new_public_id()
    sealed = keyring.keys.seal({"address": "bao@example.org"}, f"submission/{public_id}")
    kind = SubmissionKind.FIND
    return Submission(
        public_id=public_id,
        event_id=event.id,
        kind=kind,
        digest=bytes(32),
        sealed=sealed,
        created_at=now,
        next_try_at=now,
    )


def unmasking(event: Event, organizer: Organizer, *, now: datetime) -> Unmasking:
    public_id = new_public_id()
    sealed = keyring.keys.seal({"reason": "To meet them"}, f"unmasking/{public_id}")
    return Unmasking(
        public_id=public_id, event_id=event.id, organizer_id=organizer.id, at=now, what=Sight.LIST, sealed=sealed
    )


def counts() -> dict[str, dict[str, int]]:
    """How many values of each column are sealed with which key."""
    return {str(column): dict(sealing.count_by_key(column)) for column in SEALED}


def all_with(key: str) -> dict[str, dict[str, int]]:
    """What `counts` says when all that is in every column is sealed with one key."""
    return {
        "registration.sealed": {key: 20},
        "registration.vetting": {key: 1},
        "organizer.sealed": {key: 1},
        "organizer.factor": {key: 1},
        "export.sealed": {key: 1},
        "submission.sealed": {key: 1},
        "unmasking.sealed": {key: 1},
    }


def test_every_column_of_octets_is_a_known_seal_or_a_hash() -> None:
    columns = [
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name not in KEYED_HASHES
    ]
    assert sorted(columns) == sorted((one.model.__tablename__, one.name) for one in SEALED)


def test_rotation_reaches_every_column_and_says_so(rekeyed: Flask, runner: FlaskCliRunner) -> None:
    with rekeyed.app_context():
        assert counts() == all_with("k1")
    result = runner.invoke(args=["keys", "rotate"])
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            "registration.sealed: 20 sealed anew with k2",
            "registration.vetting: 1 sealed anew with k2",
            "organizer.sealed: 1 sealed anew with k2",
            "organizer.factor: 1 sealed anew with k2",
            "export.sealed: 1 sealed anew with k2",
            "submission.sealed: 1 sealed anew with k2",
            "unmasking.sealed: 1 sealed anew with k2",
            "k2 seals what is new.",
            "k1 may be removed from SEAL_KEYS now; backups from before need it.",
        ],
    )
    with rekeyed.app_context():
        assert counts() == all_with("k2")
    assert runner.invoke(args=["keys", "rotate"]).output.startswith("registration.sealed: 0 sealed anew")


def test_what_is_resealed_is_the_same_and_opens_without_the_old_key(
    rekeyed: Flask, settings: Settings, runner: FlaskCliRunner
) -> None:
    def opened() -> list[object]:
        with rekeyed.app_context():
            return [
                keyring.keys.open(row.sealed, column.bound_to(row.public_id))
                for column in SEALED
                for row in db.session.execute(
                    select(column.model.__table__.c.public_id, column.values.label("sealed"))
                    .where(column.values != b"")
                    .order_by(column.model.__table__.c.id)
                )
            ]

    before = opened()
    runner.invoke(args=["keys", "rotate"])
    keyring.init_app(rekeyed, settings.secret_key, (NEW,))
    assert opened() == before
    assert len(before) == 26


def test_status_says_which_key_may_go(rekeyed: Flask, runner: FlaskCliRunner) -> None:
    with rekeyed.app_context():
        add_person("Bao")
    result = runner.invoke(args=["keys", "status"])
    assert result.output.splitlines() == [
        "registration.sealed: k2 1, k1 20",
        "registration.vetting: k1 1",
        "organizer.sealed: k1 1",
        "organizer.factor: k1 1",
        "export.sealed: k1 1",
        "submission.sealed: k1 1",
        "unmasking.sealed: k1 1",
        "k2 seals what is new.",
        "k1 is needed for 26 values until `keys rotate` has run.",
    ]


def test_a_value_that_does_not_open_is_left_as_it_is_and_told(
    rekeyed: Flask, runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registration.commands.keys.PASS_PAUSE", 0)
    torn = b"k1:" + bytes(60)
    with rekeyed.app_context(), writing():
        db.session.execute(update(Organizer).values(sealed=torn))
    result = runner.invoke(args=["keys", "rotate"])
    assert result.exit_code == 1
    assert "1 values are still sealed with another key than k2" in result.output
    with rekeyed.app_context():
        assert counts() == {**all_with("k2"), "organizer.sealed": {"k1": 1}}
        assert db.session.scalar(select(Organizer.sealed)) == torn


def test_a_rotation_that_was_broken_off_goes_on_where_it_is_run_again(rekeyed: Flask, runner: FlaskCliRunner) -> None:
    with rekeyed.app_context():
        with writing():
            batch = sealing.reseal_batch(SEALED[0], after=0, limit=7)
        assert batch
        assert batch.resealed == 7
        assert counts()["registration.sealed"] == {"k2": 7, "k1": 13}
    result = runner.invoke(args=["keys", "rotate"])
    assert result.output.startswith("registration.sealed: 13 sealed anew with k2")


def test_no_change_is_lost_to_a_rotation_at_the_same_time(
    rekeyed: Flask, runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registration.commands.keys.BATCH", 2)
    with rekeyed.app_context():
        ids = list(db.session.scalars(select(Registration.id).order_by(Registration.id)))
    faults: list[Exception] = []
    written: dict[int, str] = {}
    rotated = threading.Event()

    def write(writer: int) -> None:
        try:
            with rekeyed.app_context():
                for round_number in range(WRITES):
                    number = ids[(writer + WRITERS * round_number) % len(ids)]
                    needs = f"{writer}-{round_number}"
                    with writing():
                        registration = db.session.get_one(Registration, number)
                        participation.lock_registration(registration)
                        seal_into(registration, replace(open_personal(registration), needs=needs))
                    written[number] = needs
                rotated.wait(60)
        except Exception as fault:  # noqa: BLE001 - judged below
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    results = [runner.invoke(args=["keys", "rotate"]) for _time in range(3)]
    rotated.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert {result.exit_code for result in results} == {0}
    with rekeyed.app_context():
        found = {one.id: open_personal(one).needs for one in db.session.scalars(select(Registration))}
        assert found == {**dict.fromkeys(ids, ""), **written}
        assert set(counts()["registration.sealed"]) == {"k2"}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_rotation_waits_for_nobody_who_holds_a_row(rekeyed: Flask, settings: Settings) -> None:
    with psycopg.connect(settings.database_url.replace("+psycopg", "")) as other:
        other.execute("SELECT id FROM registration WHERE id = 2 FOR UPDATE")
        with rekeyed.app_context(), writing():
            batch = sealing.reseal_batch(SEALED[0], after=0, limit=100)
        assert batch
        assert batch.resealed == 19
    with rekeyed.app_context():
        assert counts()["registration.sealed"] == {"k2": 19, "k1": 1}
