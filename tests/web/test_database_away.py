"""What people are told while the database takes nothing down, and that what they typed is not gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from flask import Flask

from config import Settings
from registration import databases
from registration.models.organizer import Role
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import EVENT, MINUTE, REGISTER, answers, load_dialogue, rows, sign_up
from tests.support.organizers import DESK, PASSWORD, at_desk, make_organizer, set_password

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
END_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
OWNER = "olga@example.org"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With less patience for a lock than people have."""
    if settings.database_url.startswith("sqlite"):
        return replace(settings, database_url=f"{settings.database_url}?timeout=0.05")
    return settings


@pytest.fixture(autouse=True)
def dialogue(app: Flask) -> None:
    load_dialogue(app)


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Somebody else is writing, for longer than anybody waits."""
    path = settings.database_url.removeprefix("sqlite:///").partition("?")[0]
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@SQLITE
def test_a_sign_up_that_cannot_be_kept_can_be_sent_again(app: Flask, client: Client, settings: Settings) -> None:
    typed = answers(name='Amina "Ann" <Example>')
    with locked(settings):
        refused = client.post(f"{REGISTER}youth/", data=typed)
        page = client.parsed(refused, 503)
    assert refused.headers["Retry-After"] == "60"
    assert refused.headers["Cache-Control"] == "no-store"
    assert rows(app) == []
    form = page.form()
    assert client.send(form).status_code == 303
    assert [category for category, _state in rows(app)] == ["youth"]


@SQLITE
def test_a_page_is_read_while_somebody_writes(client: Client, settings: Settings) -> None:
    with locked(settings):
        assert client.get(EVENT).status_code == 200


@SQLITE
def test_no_page_repeats_a_password(app: Flask, client: Client, settings: Settings) -> None:
    with app.app_context():
        make_organizer(OWNER, Role.OWNER)
        set_password(OWNER)
    form = client.page("/organizer/sign-in/").form()
    with locked(settings):
        refused = client.send(form, address=OWNER, password=PASSWORD)
    assert refused.status_code == 503
    assert PASSWORD not in refused.get_data(as_text=True)
    assert "<form" not in refused.get_data(as_text=True)


@SQLITE
def test_an_organizer_is_told_to_come_back_too(app: Flask, clock: FakeClock, settings: Settings) -> None:
    """Their session is noted as seen now and then, which a locked database does not take down."""
    organizer = at_desk(app, Role.OWNER)
    clock.advance(10 * MINUTE)
    with locked(settings):
        assert organizer.get(DESK).status_code == 503
    assert organizer.get(DESK).status_code == 200


@POSTGRESQL
def test_a_database_that_was_started_anew_costs_nobody_an_answer(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "IDLE", 0)
    assert sign_up(client).status_code == 303
    with psycopg.connect(settings.database_url.replace("+psycopg", "")) as other:
        other.execute(END_OTHERS)
    assert sign_up(client, address="bao@example.org").status_code == 303
