"""What each of the two databases needs: how its connections are made, and how SQLite forgets what was deleted."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError, OperationalError

from registration.extensions import db


def wipe_free_space() -> bool:
    """On SQLite, let nothing of what was deleted stay in the file or its log; outside any unit of work.

    Returns whether that was done: somebody who reads or writes just then keeps it from being done.

    Connections overwrite what they delete (`secure_delete`); building the file anew gives the room back too.
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


def empty_log() -> bool:
    """On SQLite, let the write-ahead log hold nothing of what was overwritten in the file; outside any unit of work.

    Returns whether that was done: it waits for nobody who reads or writes.
    """
    if db.engine.dialect.name != "sqlite":
        return True
    db.session.rollback()
    connection = db.engine.raw_connection()
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        busy, _log, _checkpointed = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")
        connection.close()
    return not busy


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
            "secure_delete = ON",
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
