"""Flask's extensions, unbound: `create_app` binds them."""

from __future__ import annotations

import sqlite3
import time
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
from sqlalchemy import Connection, Engine, Insert, MetaData, Select, event, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DisconnectionError, InterfaceError, InternalError, OperationalError
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


def wipe_free_space() -> bool:
    """On SQLite, let nothing of what was deleted stay in the file or its log; outside any unit of work.

    Returns whether that was done: somebody who reads or writes just then keeps it from being done.

    Connections keep `secure_delete = FAST`: deleted rows are overwritten, whole pages that come free are not, because
    that costs a sign-up three times its time. Building the file anew leaves those behind.
    """
    if db.engine.dialect.name != "sqlite":
        return True
    db.session.rollback()
    connection = db.engine.raw_connection()
    try:
        connection.execute("VACUUM")
        busy, _log, _checkpointed = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return not busy


def empty_log() -> None:
    """On SQLite, let the write-ahead log hold nothing of what has just been overwritten; outside any unit of work.

    Waits for nobody: while somebody reads it stays, until the next time or SQLite's own.
    """
    if db.engine.dialect.name != "sqlite":
        return
    db.session.rollback()
    connection = db.engine.raw_connection()
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        pass
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")
        connection.close()


LOCK_PATIENCE = 15
"""Seconds to wait for SQLite's lock; `?timeout=` in the database's address says otherwise."""


def prepare_sqlite(engine: Engine) -> None:
    """Let SQLite keep every commit through a power cut, wait for a lock, hold foreign keys, and begin as we say."""
    patience = float(str(engine.url.query.get("timeout", LOCK_PATIENCE)))

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"busy_timeout = {patience * 1000:.0f}",
            "foreign_keys = ON",
            "secure_delete = FAST",
            "wal_autocheckpoint = 4000",
            # 16 MB: the keys of a hundred thousand reminders, which are made at once and in no order, fit.
            "cache_size = -16000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        statement = "BEGIN IMMEDIATE" if immediate else "BEGIN"
        try:
            connection.connection.driver_connection.execute(statement)
        except sqlite3.OperationalError as error:
            raise OperationalError(statement, None, error) from error


IDLE = 1.0
"""Seconds after which a connection that nobody has used is tried before it is used."""


def prepare_postgresql(engine: Engine) -> None:
    """Take no connection that has been idle on trust: its server may have been started anew.

    SQLAlchemy's own `pool_pre_ping` asks before every use: a small read then costs half as much again. So a connection
    that was in use a moment ago may fail once; SQLAlchemy then drops all that are as old.
    """

    @event.listens_for(engine, "checkin")
    def _on_checkin(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
        now = time.monotonic()
        if now - record.info.get("idle_since", now) <= IDLE:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error
