"""The whole walk on many machines: Celery with beat on a real Redis, PostgreSQL, and a real SMTP server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytz

from config import ROOT
from registration.extensions import db
from registration.models import EventSession
from tests.faults.house import House, environ_of, opened, until
from tests.faults.sink import Sink, Taken, running_sink
from tests.faults.workers import plain_environ
from tests.support.dialogue import AMINA, REGISTER, answers, move_session
from tests.support.keys import keys_of

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
AHEAD = timedelta(minutes=15, seconds=2)
"""The reminder falls due in two seconds: after the confirmation."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as running:
        yield running


@pytest.fixture
def machines(database_url: str, redis_url: str, sink: Sink, tmp_path: Path) -> Iterator[House]:
    """Two Celery workers, as on two machines, and beat; told to end (SIGTERM) they end well."""
    settings = {**environ_of(database_url, sink, tmp_path), "CELERY_BROKER_URL": redis_url}
    with ExitStack() as running:
        house = running.enter_context(opened(settings, sink))
        for name in ("one", "two"):
            arguments = ("worker", "--concurrency", "2", "--hostname", f"{name}@here")
            running.enter_context(_celery(settings, tmp_path / f"{name}.log", *arguments))
        running.enter_context(_celery(settings, tmp_path / "beat.log", "beat"))
        yield house


@contextmanager
def _celery(environ: dict[str, str], log: Path, *arguments: str) -> Iterator[None]:
    """Run Celery, which writes all it can into `log`."""
    program = Path(sys.executable).with_name("celery")
    command = [program, "--app", "registration.celery_app", *arguments, "--loglevel", "DEBUG"]
    with (
        log.open("wb") as file,
        subprocess.Popen(
            command, cwd=ROOT, env={**plain_environ(), **environ}, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        ) as process,
    ):
        try:
            yield
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def mail_called(sink: Sink, words: str) -> EmailMessage:
    """The first mail whose subject has these words, once it has come."""

    def found() -> list[EmailMessage]:
        return [mail for mail in map(_read, list(sink.book)) if words in str(mail["Subject"])]

    until(found, f"a mail called “{words}”")
    return found()[0]


def _read(taken: Taken) -> EmailMessage:
    message = message_from_string(taken.text, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_from_sign_up_to_the_reminder(machines: House, sink: Sink, tmp_path: Path) -> None:
    visitor = machines.app.test_client()
    assert visitor.post(f"{REGISTER}youth/", data=answers("youth")).status_code == 303
    asked = mail_called(sink, "Confirm your registration")
    assert asked["To"] == AMINA
    [link] = re.findall(r"https://\S+/prove/\S+", asked.get_body(("plain",)).get_content())
    assert visitor.post(urlsplit(link).path).status_code == 303
    mail_called(sink, "You are registered")
    with machines.app.app_context():
        starts_at = db.session.query(EventSession.starts_at).filter_by(slug="human-rights").scalar()
    move_session(machines.app, "human-rights", datetime.now(pytz.utc) + AHEAD - starts_at)
    assert mail_called(sink, "Reminder")["Subject"].endswith("Opening session and discussion")
    assert set(Counter(one.message_id for one in sink.book).values()) == {1}
    told = "".join(log.read_text() for log in tmp_path.glob("*.log"))
    assert "Task plenary.deliver" in told
    halves = [half for key in keys_of(machines.app, AMINA).values() for half in (key[:22], key[22:])]
    assert [one for one in (AMINA, "Amina", *halves) if one in told] == []
