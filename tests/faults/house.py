"""What a fault is done to: the Dialogue a month ahead of the machine's own clock, people in it, mail owed to them."""

from __future__ import annotations

import base64
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytz
from flask import Flask
from sqlalchemy import func, insert, select, update

from config import ROOT, load_settings
from registration import create_app
from registration.domain.crowds import make_crowd
from registration.domain.event_file import import_event
from registration.domain.message_ids import message_id
from registration.domain.personal import open_personal
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Delivery, Event, Registration, Submission
from registration.models.delivery import DeliveryKind, DeliveryState
from tests.faults.sink import Sink, Taken
from tests.support.dialogue import SLUG
from tests.support.ports import HERE
from tests.support.watcher import watcher

DOMAIN = "events.example.org"
PAST = datetime(2000, 1, 1, tzinfo=pytz.utc)
STEP = 0.02
"""Seconds between two looks at whether something has come to be."""


class Result(NamedTuple):
    """What came of the mails owed: how many were lost, and taken again."""

    mails: int
    lost: int
    duplicates: int


class House:
    """An application on a database, for setting up and looking in; the mail is sent by worker processes."""

    def __init__(self, app: Flask, environ: Mapping[str, str], sink: Sink) -> None:
        self.app, self.environ, self.sink = app, environ, sink
        self.owners: set[str] = set()

    @property
    def database(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.environ["DATABASE_URL"].partition(":")[0].partition("+")[0]

    def owe(self, count: int, kind: DeliveryKind = DeliveryKind.CONFIRMED) -> None:
        """Owe one mail to each of so many new people."""
        now = datetime.now(pytz.utc)
        with self.app.app_context(), writing():
            highest = db.session.execute(select(func.coalesce(func.max(Registration.id), 0))).scalar_one()
            make_crowd(event_named(SLUG), count, now=now)
            people = db.session.execute(
                select(Registration.id, Registration.public_id).where(Registration.id > highest)
            ).all()
            rows = [
                {
                    "key": f"{kind}/{public_id}/0",
                    "kind": kind,
                    "registration_id": number,
                    "due_at": now,
                    "useful_until": now + timedelta(days=20),
                    "next_try_at": now,
                }
                for number, public_id in people
            ]
            db.session.execute(insert(Delivery), rows)

    def count(self, state: DeliveryState = DeliveryState.WAITING, kind: DeliveryKind | None = None) -> int:
        """How many deliveries (of a kind) there are in a state."""
        such = [Delivery.state == state, *([Delivery.kind == kind] if kind else [])]
        with self.app.app_context():
            return db.session.execute(select(func.count()).where(*such)).scalar_one()

    def new_owner(self) -> str:
        """Wait until somebody has claimed mail who had none before, and return who."""
        query = select(Delivery.claimed_by).where(Delivery.claimed_by.is_not(None)).distinct()

        def found() -> set[str]:
            with self.app.app_context():
                return {one for one in db.session.execute(query).scalars() if one} - self.owners

        until(found, "a worker that claims mail")
        (owner,) = found() or {""}
        self.owners.add(owner)
        return owner

    def expire(self, owner: str | None = None) -> None:
        """Let the lease of a worker (of all) be over, as if minutes had gone by."""
        held = Delivery.claimed_by.is_not(None) if owner is None else Delivery.claimed_by == owner
        with self.app.app_context(), writing():
            db.session.execute(update(Delivery).where(held).values(claimed_until=PAST))

    def due_now(self) -> None:
        """Let the wait after a refusal be over."""
        with self.app.app_context(), writing():
            waiting = Delivery.state == DeliveryState.WAITING
            db.session.execute(update(Delivery).where(waiting).values(next_try_at=PAST))

    def drained(self, deadline: float = 60, kind: DeliveryKind | None = None) -> float:
        """Wait until nothing (of a kind) is owed any more, nor will be by what was sent by forms; returns the seconds
        that took."""
        begun = time.monotonic()
        if kind is None:
            self.answered(deadline)
        until(lambda: self.count(kind=kind) == 0, "an outbox without mail", deadline)
        return time.monotonic() - begun

    def answered(self, deadline: float = 60) -> None:
        """Wait until a worker has answered all that was sent by forms."""
        until(lambda: self._forms() == 0, "a tray without forms", deadline)

    def _forms(self) -> int:
        with self.app.app_context():
            return db.session.execute(select(func.count(Submission.id))).scalar_one()

    def result(self) -> Result:
        """Compare what is owed with the book of the mail server; fails where a mail had no Message-ID of its own."""
        owed = self.owed()
        taken = Counter((one.recipient, one.message_id) for one in self.sink.book)
        assert set(taken) <= set(owed), "mails that nobody is owed, or with another Message-ID"
        sent = [pair for pair, state in owed.items() if state is not DeliveryState.DROPPED]
        return Result(len(sent), sum(pair not in taken for pair in sent), taken.total() - len(taken))

    def owed(self) -> dict[tuple[str, str], DeliveryState]:
        """The state of each delivery by its recipient and Message-ID."""
        with self.app.app_context():
            rows = db.session.execute(select(Delivery).order_by(Delivery.id)).scalars().all()
            return {(open_personal(one.registration).address, message_id([one], DOMAIN)): one.state for one in rows}

    def is_whole(self) -> bool:
        """Whether SQLite finds its file whole; PostgreSQL was not harmed."""
        if self.database != "sqlite":
            return True
        path = self.environ["DATABASE_URL"].removeprefix("sqlite:///")
        connection = sqlite3.connect(path)
        try:
            return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])
        finally:
            connection.close()


def until(condition: Callable[[], object], what: str, deadline: float = 60) -> None:
    """Wait for a condition; fails after `deadline` seconds."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < deadline, f"{what} did not come within {deadline} s"
        time.sleep(STEP)


def recipients(book: Sequence[Taken]) -> list[str]:
    """Who was written to, in order."""
    return [one.recipient for one in book]


@contextmanager
def opened(environ: Mapping[str, str], sink: Sink) -> Iterator[House]:
    """An application with the Dialogue a month ahead."""
    settings = load_settings(environ)
    app = create_app(settings)
    now = datetime.now(pytz.utc)
    try:
        with app.app_context(), writing():
            sample = (ROOT / "examples" / "dialogue-2021.yaml").read_bytes()
            import_event(sample, as_slug=SLUG, shift_to=f"{now + timedelta(days=30):%Y-%m-%d}", now=now)
            db.session.execute(update(Event).where(Event.slug == SLUG).values(invitations=False))
        yield House(app, environ, sink)
        assert watcher.hits(settings) == []
    finally:
        watcher.forget()
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


def environ_of(database_url: str, sink: Sink, instance: Path) -> dict[str, str]:
    """The settings of every process that works on such a house."""
    return {
        "PLENARY_ENV": "production",
        "PLENARY_INSTANCE": str(instance),
        "DATABASE_URL": database_url,
        "SECRET_KEY": "only-for-tests-" * 3,
        "SEAL_KEYS": "k1:" + base64.b64encode(bytes(range(32))).decode(),
        "PUBLIC_URL": "https://events.example.org",
        "MAIL_SERVER": HERE,
        "MAIL_PORT": str(sink.port),
        "MAIL_DEFAULT_SENDER": "dialogue@example.org",
    }
