"""Migrations: up makes what the models say, down leaves nothing, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect

from config import ROOT
from registration import create_app
from registration.extensions import Base, db
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
