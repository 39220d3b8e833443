"""Flask's extensions, unbound: `create_app` binds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

from flask import request
from flask_babel import Babel
from flask_compress import Compress
from flask_limiter import Limiter
from flask_login import LoginManager
from flask_mail import Mail
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import Connection, Insert, MetaData, Select, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase

from registration.keys import Keyring
from registration.networks import network_of

CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """What every table inherits; constraints have names, so that migrations can drop them."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)


DATABASE_AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeout)
"""What is raised while the database is away, locked, full, or for reading only; nothing that was asked is to blame."""

db = SQLAlchemy(model_class=Base)
migrate = Migrate(directory="migrations")
mail = Mail()
csrf = CSRFProtect()
babel = Babel()
login = LoginManager()
compress = Compress()
keyring = Keyring()


def reader_network() -> str:
    """Return a keyed digest of the network that a request comes from, by which limits count it.

    The address is that of the connection, or what the proxies say that TRUSTED_PROXIES declares.
    """
    return keyring.keys.digest("network", network_of(request.remote_addr or "")).hex()


limiter = Limiter(key_func=reader_network, in_memory_fallback_enabled=True)
"""Counts in Redis, if there is one; while that does not answer, in each process."""


@contextmanager
def writing() -> Iterator[None]:
    """One unit of work that writes: what is read in it is read under its lock; commits at the end or not at all.

    On SQLite it begins IMMEDIATE: two writers queue at the beginning, where waiting is possible, and not at the
    commit, where one would fail. What the session held before is read anew inside.
    """
    db.session.rollback()
    db.session.connection(execution_options={"immediate": True})
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


@contextmanager
def writing_apart() -> Iterator[Connection]:
    """One unit of work of plain statements like `writing`, apart from the session and what that holds.

    The session may have no transaction open meanwhile: its reading would be of the time before.
    """
    with db.engine.connect().execution_options(immediate=True) as connection, connection.begin():
        yield connection


@contextmanager
def holding() -> Iterator[None]:
    """Let the session keep what it has read through the ends of its transactions, to the end of this block.

    For reading much at once that is used bit by bit; whoever uses it has to look whether it still stands.
    """
    session = db.session()
    session.expire_on_commit = False
    try:
        yield
    finally:
        session.expire_on_commit = True
        session.rollback()
        session.expunge_all()


def insert_rows(model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """INSERT rows as they are, in the unit of work at hand but past the session's bookkeeping.

    That bookkeeping costs more than all the rest of a sign-up.
    """
    db.session.connection().execute(_insert_into(model), rows)


def insert_row(model: type[Base], row: Mapping[str, Any]) -> int:
    """INSERT one row like `insert_rows` and return its number."""
    inserted = db.session.connection().execute(_insert_into(model), row).inserted_primary_key
    return cast("tuple[int]", inserted)[0]


def wait_for_others(name: bytes) -> None:
    """Let nobody else who calls this with the same name go on until the unit of work ends; SQLite has one writer.

    For what is read before it is written where there is no row yet to lock.
    """
    if db.engine.dialect.name == "postgresql":
        number = int.from_bytes(name[:8], "big", signed=True)
        db.session.execute(select(func.pg_advisory_xact_lock(number)))


def insert_new(model: type[Base], row: Mapping[str, Any]) -> bool:
    """INSERT one row unless its key is taken, waiting for whoever is about to take it. Returns whether it is new."""
    statement = _insert_new_into(model, db.engine.dialect.name)
    return db.session.connection().execute(statement, row).first() is not None


def insert_selected(model: type[Base], columns: Iterable[str], chosen: Select[*tuple[Any, ...]]) -> int:
    """INSERT what a query finds, but for rows whose key is taken, or being taken just now. Returns how many are new."""
    insert_into = _tolerant_insert(model, db.engine.dialect.name)
    statement = insert_into.from_select(list(columns), chosen).on_conflict_do_nothing()
    inserted = db.session.connection().execute(statement, execution_options={"preserve_rowcount": True})
    return inserted.rowcount


def _tolerant_insert(model: type[Base], database: str) -> Any:
    """Return an INSERT of the database at hand, which has more to it than the standard's."""
    dialect_insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[database]
    return dialect_insert(model.__table__)


@cache
def _insert_new_into(model: type[Base], database: str) -> Any:
    return _tolerant_insert(model, database).on_conflict_do_nothing().returning(*model.__table__.primary_key)


@cache
def _insert_into(model: type[Base]) -> Insert:
    return insert(model.__table__)  # type: ignore[arg-type]  # declared as any FROM clause, a table for each model
