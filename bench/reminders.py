"""Making 100,000 reminders that fall due at one instant, against a bare INSERT ... SELECT of rows as wide.

The bare statement copies the finished rows into a table of the same columns that has a primary key and no other index;
DATABASE_URL chooses another database than a new file of SQLite (it is emptied).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import MetaData, Table, delete, func, select

from bench.house import NOW, SLUG, house
from registration.clock import set_clock
from registration.domain.crowds import make_crowd
from registration.domain.programme import event_named
from registration.domain.reminders import make_reminders
from registration.extensions import db, writing
from registration.models import Delivery, ReminderRound

PEOPLE = 100_000
ROUNDS = 5
BAR = 3.0
DUE = timedelta(hours=24)


def main(people: int = PEOPLE) -> None:
    """Print how much longer making the reminders takes than the bare statement."""
    with tempfile.TemporaryDirectory() as folder:
        app = house(Path(folder), database_url=os.environ.get("DATABASE_URL", ""))
        with app.app_context():
            with writing():
                make_crowd(event_named(SLUG), people, now=NOW)
            due = min(session.starts_at for session in event_named(SLUG).sessions) - DUE
        set_clock(app, lambda: due)
        with app.app_context():
            bare = _bare_table()
            pairs = [(_ours(app, people), _bare(bare, people)) for _round in range(ROUNDS)]
    seconds = [statistics.median(column) for column in zip(*pairs, strict=True)]
    ratio = statistics.median(ours / bare for ours, bare in pairs)
    print(f"{people:,} reminders: {seconds[0]:.2f} s, a bare INSERT ... SELECT of as many: {seconds[1]:.2f} s")
    print(f"ratio {ratio:.2f} (at most {BAR})")


def _ours(app: Flask, people: int) -> float:
    with writing():
        db.session.execute(delete(Delivery))
        db.session.execute(delete(ReminderRound))
    begun = time.perf_counter()
    with writing():
        make_reminders(now=app.extensions["clock"]())
    seconds = time.perf_counter() - begun
    made = db.session.execute(select(func.count()).select_from(Delivery)).scalar_one()
    assert made == people, made
    db.session.rollback()
    return seconds


def _bare_table() -> Table:
    """Make a table like that of deliveries, with nothing but its columns."""
    columns = [column._copy() for column in Delivery.__table__.columns]
    for column in columns:
        column.foreign_keys.clear(), column.constraints.clear()
        column.unique = None
    table = Table("bare", MetaData(), *columns)
    with writing():
        table.create(db.session.connection())
    return table


def _bare(table: Table, people: int) -> float:
    with writing():
        db.session.execute(delete(table))
    source = Delivery.__table__
    begun = time.perf_counter()
    with writing():
        db.session.execute(table.insert().from_select(list(source.columns.keys()), select(source)))
    seconds = time.perf_counter() - begun
    copied = db.session.execute(select(func.count()).select_from(table)).scalar_one()
    assert copied == people, copied
    db.session.rollback()
    return seconds


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)
