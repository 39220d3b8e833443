"""Commands that run the service: the worker, a crowd to try it with, forgetting."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from types import FrameType

import click
from flask import current_app
from flask.cli import with_appcontext

from config import Settings, SettingsError
from registration import clock, forgetting, worker
from registration.commands.refusals import refusals
from registration.domain.crowds import MAX_CROWD, make_crowd
from registration.domain.programme import event_named
from registration.extensions import writing
from registration.mail.posting import Unreachable
from registration.timezones import UTC


@click.command("crowd")
@with_appcontext
@click.argument("event_slug")
@click.option("--size", type=click.IntRange(1, MAX_CROWD), required=True)
def crowd(event_slug: str, size: int) -> None:
    """Fill an event with invented confirmed participants whose addresses end in .invalid."""
    settings: Settings = current_app.config["PLENARY"]
    if settings.mail_server not in ("", "localhost", "127.0.0.1", "::1"):
        raise click.ClickException("MAIL_SERVER is not on this machine: a crowd is only for tests here.")
    with refusals(), writing():
        make_crowd(event_named(event_slug), size, now=clock.now())
    click.echo(f"{event_slug}: {size} more")


@click.command("worker")
@with_appcontext
@click.option("--once", is_flag=True, help="Do all that is due, then exit.")
@click.option("--at", "moment", help="In development: as if it were this time (YYYY-MM-DDTHH:MM, UTC).")
def work(once: bool, moment: str | None) -> None:
    """Make what falls due and send what is owed."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if moment:
        clock.set_clock(app, _standing_clock(moment))
        # Leave to send gathers with the time, which stands still.
        app.config["PLENARY"] = replace(app.config["PLENARY"], mail_rate=0)
    try:
        with _stopped_by_signals() as stopped:
            if once or moment:
                click.echo(f"{worker.run_once(stopped)} mails")
            else:
                worker.run_until(stopped)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    except Unreachable as error:
        raise click.ClickException(f"The mail server takes no mail now ({error}); the mails wait.") from None


@click.command("purge")
@with_appcontext
def purge() -> None:
    """Forget what is to be forgotten by now: of events whose days are over, of who asked to be erased, and of who was
    erased before and has come back with a backup. Numbers stay."""
    settings: Settings = current_app.config["PLENARY"]
    try:
        for slug, count in forgetting.forget_all(settings, now=clock.now()):
            click.echo(f"{slug}: {count} registrations forgotten")
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    except forgetting.NotWiped:
        raise click.ClickException("The database is in use: run purge once more to wipe what was deleted.") from None
    except OSError as error:
        raise click.ClickException(
            f"{settings.erased_file} takes nothing down ({error.strerror}): nobody is erased until it does."
        ) from None


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Yield what SIGTERM and SIGINT set while the command runs."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        # In a thread of its own: the signal may come while this one holds the event's lock.
        threading.Thread(target=stopped.set).start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _standing_clock(moment: str) -> clock.Clock:
    settings: Settings = current_app.config["PLENARY"]
    if not settings.development:
        raise click.ClickException("--at is for development only: set PLENARY_ENV=development.")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        raise click.ClickException("--at takes a time like 2027-05-24T14:00 (UTC).") from None
    fixed = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return lambda: fixed
