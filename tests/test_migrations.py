"""Migrations: up makes what the models say, down leaves nothing, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import MetaData, Table, insert, inspect, select, text

from config import ROOT
from registration import create_app
from registration.extensions import Base, db
from registration.models import Invitation, SessionRevision
from registration.models.invitation import Standing
from registration.models.types import UtcDateTime
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock

FOLDER = str(ROOT / "migrations")


@pytest.fixture
def bare(make_settings: MakeSettings, empty_database_url: str) -> Iterator[Flask]:
    """The application, in its context, on a database in which nothing has been made."""
    app = create_app(make_settings(empty_database_url), clock=FakeClock())
    with app.app_context():
        yield app
        db.engine.dispose()


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names())


def test_up_makes_every_table_of_the_models(bare: Flask) -> None:
    flask_migrate.upgrade(directory=FOLDER)
    assert tables() == {*Base.metadata.tables, "alembic_version"}


def test_models_and_migrations_agree(bare: Flask) -> None:
    flask_migrate.upgrade(directory=FOLDER)

    def same_type(_context: object, _column: object, _meta: object, _found: object, wanted: object) -> bool | None:
        return False if isinstance(wanted, UtcDateTime) else None

    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": same_type, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_down_leaves_no_table(bare: Flask) -> None:
    flask_migrate.upgrade(directory=FOLDER)
    flask_migrate.downgrade(directory=FOLDER, revision="base")
    assert tables() - {"alembic_version"} == set()


def test_each_migration_goes_down_and_up_again(bare: Flask) -> None:
    flask_migrate.upgrade(directory=FOLDER)
    whole = tables()
    revisions = [one.revision for one in ScriptDirectory(FOLDER).walk_revisions()]
    for revision in revisions:
        flask_migrate.downgrade(directory=FOLDER, revision=f"{revision}-1" if revision != revisions[-1] else "base")
    flask_migrate.upgrade(directory=FOLDER)
    assert tables() == whole


def test_there_is_one_line_of_migrations() -> None:
    assert len(ScriptDirectory(FOLDER).get_heads()) == 1


def test_who_is_confirmed_already_counts_as_told_how_the_sessions_stand(bare: Flask) -> None:
    flask_migrate.upgrade(directory=FOLDER, revision="0001")
    earlier = MetaData()
    earlier.reflect(db.engine)
    with db.engine.begin() as connection:

        def put(table: str, **values: object) -> int:
            row = {**filled(earlier.tables[table]), **values}
            return connection.execute(insert(earlier.tables[table]).values(row).returning(text("id"))).scalar_one()

        event = put("event", slug="past", state="published", title={"en": "Dialogue"})
        ends = {"ends_at": datetime(2027, 1, 2), "ends_wall": datetime(2027, 1, 2)}  # noqa: DTZ001 - as kept
        kept = put("event_session", **ends, event_id=event, slug="kept", code="kept", state="scheduled", revision=3)
        off = put("event_session", **ends, event_id=event, slug="off", code="off", state="cancelled", revision=1)
        put("stream", session_id=kept, slug="floor", kind="live", audience="public", url="https://media.example.org/")
        category = put("category", event_id=event, slug="all", entry="open")
        common = {"event_id": event, "category_id": category}
        confirmed = put("registration", **common, public_id="a", claim=b"a", state="confirmed")
        waiting = put("registration", **common, public_id="b", claim=b"b", state="waiting")
        choices = [
            {"registration_id": one, "session_id": session} for one in (confirmed, waiting) for session in (kept, off)
        ]
        connection.execute(insert(earlier.tables["session_choice"]), choices)
    flask_migrate.upgrade(directory=FOLDER)
    held = db.session.execute(select(Invitation)).scalars().all()
    revisions = db.session.execute(select(SessionRevision)).scalars().all()
    assert [(one.registration_id, one.session_id, one.standing, one.revision) for one in held] == [
        (confirmed, kept, Standing.INFORMED, 3),
        (confirmed, off, Standing.CANCELLED, 1),
    ]
    assert {(one.session_id, one.number, one.takes_place) for one in revisions} == {(kept, 3, True), (off, 1, False)}
    assert [stream["url"] for one in revisions for stream in one.streams] == ["https://media.example.org/"]
    db.session.rollback()


def filled(table: Table) -> dict[str, object]:
    """A value of the right type for every column that needs one."""
    samples = {"INTEGER": 1, "BIGINT": 1, "VARCHAR": "x", "JSON": {}, "BLOB": b"x", "BYTEA": b"x", "BOOLEAN": True}
    return {
        column.name: samples.get(str(column.type).partition("(")[0], datetime(2027, 1, 1))  # noqa: DTZ001 - as kept
        for column in table.columns
        if not (column.nullable or column.primary_key)
    }
