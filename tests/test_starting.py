"""A lost or wrong key is told at the start, in a sentence, and never by values that do not open."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import delete, select, update

from config import ROOT, SealKey, Settings, SettingsError
from registration import create_app, worker
from registration.extensions import db, keyring, writing
from registration.models import KeyCheck, Registration
from registration.models.organizer import Role
from registration.starting import UNCHECKED, check_keys, recheck_keys
from tests.faults.workers import plain_environ
from tests.support.client import Client
from tests.support.dialogue import AMINA, EVENT, FIND, load_dialogue, sign_up, take_part, work
from tests.support.organizers import add_person, make_organizer
from tests.support.smtp import MailServer

SECRET, OTHER_SECRET = "only-for-tests-" * 3, "of-another-house-" * 2
K1 = SealKey("k1", bytes(range(32)))
K2 = SealKey("k2", bytes(range(32, 64)))
WRONG_SECRET = (
    "SECRET_KEY is not the one that this database was written with: put that one back and start again. "
    "With another one no address is found and no link in a mail opens."
)
WRONG_K1 = (
    "SEAL_KEYS: the key k1 is not the one that this database was sealed with: put that one back under this name and "
    "start again. A new key needs a name of its own."
)
NO_K1 = (
    "SEAL_KEYS lacks the key k1, with which data in this database is sealed: put it back behind the first one and "
    "start again. `flask --app wsgi keys rotate` makes a key dispensable."
)


@pytest.fixture
def house(app: Flask, settings: Settings) -> Iterator[Flask]:
    """The Dialogue, written with K1; later starts may have other keys."""
    check_keys(app)
    load_dialogue(app)
    with app.app_context():
        add_person("Amina")
    yield app
    keyring.init_app(app, settings.secret_key, settings.seal_keys)
    app.extensions.pop(UNCHECKED, None)


def start(app: Flask, *keys: SealKey, secret: str = SECRET) -> str:
    """Start with these keys; answers with the sentence that stopped it, or nothing."""
    keyring.init_app(app, secret, keys)
    try:
        check_keys(app)
    except SettingsError as error:
        return str(error)
    return ""


def known(app: Flask) -> set[str]:
    """The names of the keys whose proofs are kept."""
    with app.app_context():
        return set(db.session.scalars(select(KeyCheck.name)))


def test_a_fresh_database_takes_the_keys_it_is_given(app: Flask) -> None:
    check_keys(app)
    check_keys(app)
    assert known(app) == {"k1", "SECRET_KEY"}


def test_a_proof_is_neither_a_key_nor_made_of_another(house: Flask) -> None:
    with house.app_context():
        proofs = {bytes(one) for one in db.session.scalars(select(KeyCheck.proof))}
    assert len(proofs) == 2
    assert not proofs & {K1.secret, SECRET.encode(), keyring_digest(house)}


def keyring_digest(app: Flask) -> bytes:
    with app.app_context():
        return keyring.keys.address_hash("")


@pytest.mark.parametrize(
    ("keys", "secret", "sentence"),
    [
        ((K1,), SECRET, ""),
        ((K2, K1), SECRET, ""),
        ((K1, K2), SECRET, ""),
        ((replace(K1, secret=K2.secret),), SECRET, WRONG_K1),
        ((K2, replace(K1, secret=bytes(32))), SECRET, WRONG_K1),
        ((K2,), SECRET, NO_K1),
        ((replace(K2, secret=K1.secret),), SECRET, NO_K1),
        ((K1,), OTHER_SECRET, WRONG_SECRET),
    ],
)
@pytest.mark.parametrize("seen", [True, False], ids=["seen-before", "first-look"])
def test_a_start_with_other_keys(
    house: Flask, keys: tuple[SealKey, ...], secret: str, sentence: str, seen: bool
) -> None:
    """At the first look at a database, what is sealed in it stands for the proofs."""
    if not seen:
        with house.app_context(), writing():
            db.session.execute(delete(KeyCheck))
    before = known(house)
    assert start(house, *keys, secret=secret) == sentence
    assert known(house) == (before if sentence else {*(key.name for key in keys), "SECRET_KEY"})


def test_swapped_names_are_told(house: Flask) -> None:
    assert start(house, K2, K1) == ""
    assert start(house, replace(K1, secret=K2.secret), replace(K2, secret=K1.secret)) == WRONG_K1


def test_an_organizers_address_tells_a_wrong_secret_too(house: Flask) -> None:
    with house.app_context():
        make_organizer("olga@example.org", Role.OWNER)
        with writing():
            db.session.execute(delete(Registration))
            db.session.execute(delete(KeyCheck))
    assert start(house, K1, secret=OTHER_SECRET) == WRONG_SECRET


def test_a_key_may_go_when_nothing_names_it_any_more(house: Flask, runner: FlaskCliRunner) -> None:
    start(house, K2, K1)
    assert runner.invoke(args=["keys", "rotate"]).exit_code == 0
    assert start(house, K2) == ""
    assert known(house) == {"k2", "SECRET_KEY"}


def test_of_two_that_start_at_once_with_different_keys_one_is_refused(app: Flask, settings: Settings) -> None:
    """On a fresh database, where both would note theirs."""
    told: list[str] = []
    both = threading.Barrier(2)

    def start_with(own: Flask) -> None:
        both.wait(30)
        try:
            check_keys(own)
        except SettingsError as error:
            told.append(str(error))

    with ExitStack() as running:
        keys = [replace(K1, secret=bytes([one] * 32)) for one in (1, 2)]
        apps = [running.enter_context(another(replace(settings, seal_keys=(key,)))) for key in keys]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(start_with, apps))
    assert told == [WRONG_K1]
    assert known(app) == {"k1", "SECRET_KEY"}


@contextmanager
def another(settings: Settings) -> Iterator[Flask]:
    """The application of another process."""
    app = create_app(settings)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_a_database_that_was_away_at_the_start_is_looked_at_before_a_page_is_made(
    house: Flask, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    house.extensions[UNCHECKED] = True
    keyring.init_app(house, SECRET, (K2,))
    refused = client.get(EVENT)
    assert (refused.status_code, client.get("/healthz").status_code) == (503, 200)
    assert [one.getMessage() for one in caplog.records if one.levelname == "CRITICAL"] == [NO_K1]
    with house.app_context(), pytest.raises(SettingsError):
        worker.run_once()
    keyring.init_app(house, SECRET, (K1,))
    assert client.get(EVENT).status_code == 200
    assert house.extensions[UNCHECKED] is False
    with house.app_context():
        recheck_keys()


def test_a_database_that_is_away_stops_no_start(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    nowhere = {
        "sqlite": "sqlite:////nowhere/plenary.sqlite",
        "postgresql+psycopg": "postgresql+psycopg:///x?host=/nowhere",
    }
    scheme = settings.database_url.partition(":")[0]
    with another(replace(settings, database_url=nowhere[scheme])) as app:
        check_keys(app)
        assert app.extensions[UNCHECKED] is True
    assert [one.getMessage() for one in caplog.records] == [
        "the database is away: the keys are checked when it is back (OperationalError)"
    ]


def test_a_value_that_does_not_open_in_the_middle_gives_our_own_page(
    app: Flask, client: Client, smtp: MailServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a log line that names nobody; the worker goes on with the others."""
    load_dialogue(app)
    take_part(client, smtp)
    tear(app)
    monkeypatch.setattr(app, "testing", False)
    page = client.page("/my/", 500)
    assert "Something went wrong" in page.text
    sign_up(client, address="bao@example.org")
    client.post(FIND, data={"address": AMINA})
    assert work(app) == 2
    assert smtp.last_to("bao@example.org")
    told = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert [one.partition(" at ")[0] for one in told] == ["SealError", "a link letter cannot be written (SealError)"]


def tear(app: Flask) -> None:
    """Let no value of a registration open."""
    with app.app_context(), writing():
        db.session.execute(update(Registration).values(sealed=b"k1:" + bytes(60)))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("house")
def test_a_process_ends_with_the_sentence(settings: Settings) -> None:
    environ = {
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": SECRET,
        "SEAL_KEYS": "k2:" + base64.b64encode(K1.secret).decode(),
        "PUBLIC_URL": settings.public_url,
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_DEFAULT_SENDER": "dialogue@example.org",
        "PLENARY_INSTANCE": str(settings.instance_path),
        **plain_environ(),
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "event", "list"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", f"{NO_K1}\n")
