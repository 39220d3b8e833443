"""What is asked for again and again is found by an index, however much is owed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert, text

from registration.domain import outbox, queue_health
from registration.domain.crowds import make_crowd
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Delivery, Registration
from registration.models.delivery import DeliveryKind, DeliveryState
from tests.support.dialogue import SLUG, load_dialogue

pytestmark = pytest.mark.usefixtures("context", "outbox_with_a_past")
SETTLED, WAITING = 4000, 40
Statement = tuple[str, Any]


@pytest.fixture
def outbox_with_a_past(app: Flask, context: None, now: datetime) -> None:
    """Thousands of mails that have been sent, and a few that are due."""
    load_dialogue(app)
    with writing():
        make_crowd(event_named(SLUG), 1, now=now)
        person = db.session.query(Registration.id).scalar()
        rows = [
            {
                "key": f"reminder/{number}",
                "kind": DeliveryKind.REMINDER,
                "registration_id": person,
                "state": DeliveryState.WAITING if number < WAITING else DeliveryState.SENT,
                "due_at": now,
                "useful_until": now + timedelta(days=1),
                "next_try_at": now,
            }
            for number in range(SETTLED + WAITING)
        ]
        db.session.execute(insert(Delivery), rows)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


@contextmanager
def selects() -> Iterator[list[Statement]]:
    """The SELECTs from deliveries that are sent to the database meanwhile."""
    found: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if statement.startswith("SELECT") and "FROM delivery" in statement:
            found.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def plan(statement: Statement) -> str:
    """How the database would find it, in the database's own words."""
    explain = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
    with db.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"{explain} {statement[0]}", statement[1]).all()
    return "\n".join(str(row[-1]) for row in rows)


def claim(now: datetime) -> None:
    with writing():
        outbox.claim(owner="one", limit=50, now=now)


@pytest.mark.parametrize(
    "ask", [claim, lambda now: queue_health.overdue(now=now)], ids=["what is due", "what is overdue"]
)
def test_the_outbox_is_asked_by_index(ask: Callable[[datetime], object], now: datetime) -> None:
    with selects() as asked:
        ask(now + timedelta(hours=1))
    db.session.rollback()
    found = plan(asked[0])
    assert "ix_delivery_" in found
    assert not re.search(r"Seq Scan on delivery|SCAN delivery(?! USING)", found)
