"""Reminders handed over by the worker against a bare loop: the same templates, `email`, smtplib, the same sink.

The bare loop is given everything that stands in a mail, made beforehand; it reads no database, opens nothing sealed,
makes no link and keeps no book.
"""

from __future__ import annotations

import smtplib
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from flask import Flask, before_render_template
from flask_babel import force_locale
from sqlalchemy import delete, select

from bench.house import NOW, SLUG, house
from bench.sink import sink
from registration import worker
from registration.clock import set_clock
from registration.domain import reminders
from registration.domain.crowds import make_crowd
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.mail.letters import letter_for
from registration.models import Delivery, ReminderRound
from tests.support.ports import HERE

ROUNDS, PEOPLE = 7, 400
CONNECTIONS = (1, 4)
BAR = 0.7
DUE = timedelta(hours=24)


@dataclass(frozen=True)
class Prepared:
    """What the bare loop sends: to whom, with which headers, and what each template is given."""

    address: str
    sender: str
    language: str
    contexts: dict[str, dict[str, Any]]
    """By the name of the template."""


def main() -> None:
    """Print how many mails the worker hands over for each of the bare loop."""
    with ExitStack() as stack:
        port = stack.enter_context(sink())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        app = house(folder, mail_port=port)
        with app.app_context():
            with writing():
                make_crowd(event_named(SLUG), PEOPLE, now=NOW)
            starts_at = min(session.starts_at for session in event_named(SLUG).sessions)
        set_clock(app, lambda: starts_at - DUE)
        _owe(app)
        prepared = _prepared(app, starts_at - DUE)
        for connections in CONNECTIONS:
            _measure(app, prepared, port, connections)


def _measure(app: Flask, prepared: Sequence[Prepared], port: int, connections: int) -> None:
    _ours(app, connections), _bare(app, prepared, port, connections)
    pairs = []
    for _round in range(ROUNDS):
        _owe(app)
        pairs.append((_ours(app, connections), _bare(app, prepared, port, connections)))
    milli = [1000 * statistics.median(column) / PEOPLE for column in zip(*pairs, strict=True)]
    ratio = statistics.median(bare / ours for ours, bare in pairs)
    print(f"{connections} connection(s): a reminder {milli[0]:.2f} ms, in a bare loop {milli[1]:.2f} ms")
    print(f"ratio {ratio:.2f} (at least {BAR})")


def _owe(app: Flask) -> None:
    """Owe everybody the reminder anew."""
    with app.app_context(), writing():
        db.session.execute(delete(Delivery))
        db.session.execute(delete(ReminderRound))
        reminders.make_reminders(now=app.extensions["clock"]())


def _ours(app: Flask, connections: int) -> float:
    begun = time.perf_counter()
    _in_threads(connections, lambda _number: _deliver_all(app))
    seconds = time.perf_counter() - begun
    with app.app_context():
        sent = select(Delivery.id).where(Delivery.state == "sent")
        assert len(db.session.execute(sent).all()) == PEOPLE
    return seconds


def _deliver_all(app: Flask) -> None:
    with app.app_context():
        owner = threading.current_thread().name
        while worker.deliver(owner):
            pass


def _prepared(app: Flask, now: datetime) -> list[Prepared]:
    """Return what the mails are made of, as our own letters put it together."""
    caught: dict[str, dict[str, Any]] = {}

    def catch(_app: Flask, template: Any, context: dict[str, Any]) -> None:
        caught[template.name.removeprefix("mail/reminder.")] = dict(context)

    found = []
    with app.app_context(), before_render_template.connected_to(catch, app):
        for one in db.session.execute(select(Delivery)).scalars():
            caught.clear()
            letter = letter_for([one], now=now)
            found.append(Prepared(letter.to, letter.sender_name, letter.language, dict(caught)))
    return found


def _bare(app: Flask, prepared: Sequence[Prepared], port: int, connections: int) -> float:
    begun = time.perf_counter()
    _in_threads(connections, lambda number: _send_bare(app, prepared[number::connections], port))
    return time.perf_counter() - begun


def _send_bare(app: Flask, prepared: Sequence[Prepared], port: int) -> None:
    with app.app_context(), smtplib.SMTP(HERE, port) as server:
        for number, one in enumerate(prepared):
            with force_locale(one.language):
                words = {
                    name: app.jinja_env.get_template(f"mail/reminder.{name}").render(context)
                    for name, context in one.contexts.items()
                }
            message = EmailMessage(policy=SMTP)
            message["Message-ID"] = f"<{number}@example.org>"
            message["Date"] = format_datetime(NOW)
            message["From"] = f"{one.sender} <dialogue@example.org>"
            message["To"] = one.address
            message["Subject"] = words["subject.txt"].strip()
            message.set_content(words["txt"], cte="quoted-printable")
            message.add_alternative(words["html"], subtype="html", cte="quoted-printable")
            server.sendmail("dialogue@example.org", [one.address], bytes(message))


def _in_threads(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,), name=f"bench-{number}") for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
