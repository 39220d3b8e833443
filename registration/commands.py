"""The command line: reads arguments and the clock, calls one rule, says what came of it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from config import Settings
from registration import clock, develop, worker
from registration.domain import accounts, exports, privacy
from registration.domain.crowds import MAX_CROWD, make_crowd
from registration.domain.event_file import import_event
from registration.domain.programme import all_events, event_named
from registration.errors import Refusal
from registration.extensions import wipe_free_space, writing
from registration.links import public_url
from registration.mail.posting import Unreachable
from registration.models.organizer import Role
from registration.timezones import UTC

event_commands = AppGroup("event", help="Describe events.")
attendee_commands = AppGroup("attendees", help="Attendee lists.")
organizer_commands = AppGroup("organizer", help="Accounts of organizers.")


def init_app(app: Flask) -> None:
    """Give `flask` our commands."""
    for command in (
        event_commands,
        attendee_commands,
        organizer_commands,
        crowd,
        work,
        purge,
        develop.command,
    ):
        app.cli.add_command(command)


@event_commands.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--as", "slug", help="Take the event in under this name.")
@click.option("--shift-to", help="YYYY-MM-DD or YYYY-MM-DDTHH:MM: the first session's new wall time.")
def event_import(file: BinaryIO, slug: str | None, shift_to: str | None) -> None:
    """Take an event file in; an edited one updates its event in place."""
    with _refusals(), writing():
        result = import_event(file.read(), as_slug=slug, shift_to=shift_to, now=clock.now())
        summary = f"{result.event.slug}: {result.outcome}"
    click.echo(summary)


@event_commands.command("list")
def event_list() -> None:
    """List the events."""
    for event in all_events():
        first = min((session.starts_wall for session in event.sessions), default=None)
        starts = f"{first:%Y-%m-%d %H:%M}" if first else "no session"
        click.echo(f"{event.slug}\t{event.state}\t{starts}\t{event.zone}")


@organizer_commands.command("add")
@click.argument("address")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--event", "event_slug", help="The role holds for this event alone.")
def organizer_add(address: str, role: str, event_slug: str | None) -> None:
    """Make an account, or give one another role; prints a one-time link to set the password."""
    with _refusals(), writing():
        event = event_named(event_slug) if event_slug else None
        organizer = accounts.add_organizer(address, Role(role), event, now=clock.now())
        key = accounts.password_key(organizer)
    click.echo(public_url("organizer.password", key=key))


@organizer_commands.command("disable")
@click.argument("address")
def organizer_disable(address: str) -> None:
    """Let nobody sign in to an account any more; it is signed out at once."""
    with _refusals(), writing():
        accounts.disable(accounts.organizer_with(address))
    click.echo(f"{address}: disabled")


@attendee_commands.command("export")
@click.argument("event_slug")
@click.option("--format", "format_name", type=click.Choice([one.value for one in exports.Format]), required=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--by", "address", required=True, help="The account that takes the list.")
@click.option("--reason", required=True)
@click.option("--columns", help="Names with commas between them.")
@click.option("--unmask", is_flag=True, help="Name the categories of people at risk; owners only.")
def attendees_export(  # noqa: PLR0917 - click passes an option each
    event_slug: str,
    format_name: str,
    output: Path,
    address: str,
    reason: str,
    columns: str | None,
    unmask: bool,
) -> None:
    """Write an attendee list to a file, and into the book of exports who took it and why."""
    with _refusals(), _whole_file(output) as file:
        order = exports.Order(
            format=exports.Format(format_name),
            columns=tuple(columns.split(",")) if columns else exports.DEFAULT_COLUMNS,
            unmask=unmask,
            reason=reason,
        )
        with writing():
            export = exports.write_down(
                event_named(event_slug), accounts.organizer_with(address), order, now=clock.now()
            )
        count = exports.write_to(file, export, Path(current_app.instance_path))
    click.echo(f"{count} rows in {output}")


@click.command("crowd")
@with_appcontext
@click.argument("event_slug")
@click.option("--size", type=click.IntRange(1, MAX_CROWD), required=True)
def crowd(event_slug: str, size: int) -> None:
    """Fill an event with invented confirmed participants whose addresses end in .invalid."""
    settings: Settings = current_app.config["PLENARY"]
    if settings.mail_server not in ("", "localhost", "127.0.0.1", "::1"):
        raise click.ClickException("MAIL_SERVER is not on this machine: a crowd is only for tests here.")
    with _refusals(), writing():
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
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if once or moment:
        try:
            click.echo(f"{worker.run_once(stopped.is_set)} mails")
        except Unreachable as error:
            raise click.ClickException(f"The mail server takes no mail now ({error}); the mails wait.") from None
    else:
        worker.run_until(stopped)


@click.command("purge")
@with_appcontext
def purge() -> None:
    """Forget the personal data of events whose retention days are over; numbers stay."""
    with writing():
        forgotten = privacy.purge(now=clock.now())
    if not wipe_free_space():
        raise click.ClickException("The database is in use: run purge once more to wipe what was deleted.")
    for slug, count in forgotten:
        click.echo(f"{slug}: {count} registrations forgotten")


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


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that nobody else may read and that stands under its name only once it is whole."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a refusal into the command's own error."""
    try:
        yield
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from None
