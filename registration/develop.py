"""`make run`: everything a development machine needs, then the web server with a worker beside it."""

from __future__ import annotations

import calendar
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import click
import flask_migrate
from flask import current_app
from flask.cli import with_appcontext

from config import ROOT, Settings
from registration import clock
from registration.domain import accounts, passwords
from registration.domain.event_file import import_event
from registration.domain.programme import ends_at, event_called
from registration.extensions import writing
from registration.links import public_url
from registration.models.organizer import Role

SAMPLE = ROOT / "examples" / "dialogue-2021.yaml"
PAST, NEXT = "dialogue-2021", "dialogue-next"
ORGANIZER = "organizer@example.org"
START_SECONDS = 30


@click.command("develop")
@with_appcontext
def command() -> None:
    """Set up this development machine and serve on PORT, with a worker beside."""
    settings: Settings = current_app.config["PLENARY"]
    if not settings.development:
        raise click.ClickException("This is for development only: set PLENARY_ENV=development.")
    flask_migrate.upgrade(directory=str(ROOT / "migrations"))
    _load_samples(clock.now())
    password = _organizer_password(settings.instance_path)
    words = _where_things_are(password)
    with _running(_web_server(settings.port)) as web, _running(_worker()) as beside:
        _wait_until_alive(web, settings.port)
        click.echo(words)
        _serve_until_told(web, beside)


def next_may(today: date) -> date:
    """Return the fourth Tuesday of the coming May: the weekday that 25 May 2021 was, at least 30 days away."""
    for year in (today.year, today.year + 1):
        tuesdays = [week[calendar.TUESDAY] for week in calendar.monthcalendar(year, 5) if week[calendar.TUESDAY]]
        fourth = date(year, 5, tuesdays[3])
        if (fourth - today).days >= 30:
            return fourth
    raise AssertionError("the May of next year is always far enough away")


def _load_samples(now: datetime) -> None:
    """Load the Dialogue as it was, and as it would be next May unless that one is still to come."""
    sample = SAMPLE.read_bytes()
    with writing():
        import_event(sample, as_slug=PAST, shift_to=None, now=now)
    upcoming = event_called(NEXT)
    if upcoming is None or ends_at(upcoming) <= now:
        with writing():
            import_event(sample, as_slug=NEXT, shift_to=next_may(now.date()).isoformat(), now=now)


def _organizer_password(instance: Path) -> str:
    """Return the password of this machine's organizer, made at the first start."""
    path = instance / "organizer-password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(12))
    password = path.read_text()
    if not accounts.has_password(ORGANIZER):
        password_hash = passwords.hash_of(password, ORGANIZER)
        with writing():
            organizer = accounts.add_organizer(ORGANIZER, Role.OWNER, None, now=clock.now())
            accounts.set_password(organizer, password_hash)
    return password


def _where_things_are(password: str) -> str:
    return "\n".join(
        (
            "",
            f"The Dialogue, upcoming:  {public_url('public.event', event_slug=NEXT)}",
            f"The Dialogue, as it was: {public_url('public.event', event_slug=PAST)}",
            f"Organizers sign in at:   {public_url('organizer.sign_in')}",
            f"                         as {ORGANIZER} with the password {password}",
            f"Mails go to:             {public_url('development.mails')}",
            "",
            "Stop with Ctrl+C.",
        )
    )


def _web_server(port: int) -> list[str]:
    options = ["--bind", f"127.0.0.1:{port}", "--config", str(ROOT / "deploy" / "gunicorn.conf.py")]
    return [sys.executable, "-m", "gunicorn", *options, "wsgi:app"]


def _worker() -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]


@contextmanager
def _running(program: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(program, cwd=ROOT, start_new_session=True)  # noqa: S603 - our own programs
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait_until_alive(web: subprocess.Popen[bytes], port: int) -> None:
    for _try in range(START_SECONDS * 10):
        if web.poll() is not None:
            raise click.ClickException(f"The web server does not start; is port {port} free? PORT chooses another.")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()  # nosec B310 # our own
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise click.ClickException(f"The web server has not answered within {START_SECONDS} seconds.")


def _serve_until_told(web: subprocess.Popen[bytes], beside: subprocess.Popen[bytes]) -> None:
    """Wait for Ctrl+C or SIGTERM; a part that ends by itself ends the other."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        while web.poll() is None and beside.poll() is None:
            time.sleep(0.5)
    except KeyboardInterrupt:
        return
    raise click.ClickException("The web server or the worker has ended by itself; see above.")
