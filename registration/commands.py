"""The command line: reads arguments and the clock, calls one rule, says what came of it."""

from __future__ import annotations

import os
import signal
import sys
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
from sqlalchemy.exc import SQLAlchemyError

from config import Settings
from registration import clock, develop, worker
from registration.domain import accounts, exports, notices, privacy, replies
from registration.domain.crowds import MAX_CROWD, make_crowd
from registration.domain.event_file import import_event
from registration.domain.holdings import to_tell
from registration.domain.programme import all_events, event_named
from registration.domain.trial import trial
from registration.errors import Refusal
from registration.extensions import wipe_free_space, writing
from registration.links import public_url
from registration.mail.posting import Unreachable
from registration.models import Event
from registration.models.organizer import Role
from registration.timezones import UTC
from registration.web.organizer.session_words import told_lines, told_when

event_commands = AppGroup("event", help="Describe events.")
attendee_commands = AppGroup("attendees", help="Attendee lists.")
organizer_commands = AppGroup("organizer", help="Accounts of organizers.")
invitation_commands = AppGroup("invitations", help="What comes back on invitations.")

MOST_READ = 1024 * 1024
"""Octets of a mail; a reply stands at its beginning, whatever is attached."""
MOST_CPU_SECONDS = 2.0
"""A reply takes milliseconds."""


def init_app(app: Flask) -> None:
    """Give `flask` our commands."""
    for command in (
        event_commands,
        attendee_commands,
        organizer_commands,
        invitation_commands,
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
@click.option("--preview", is_flag=True, help="Say who would be told what, and change nothing.")
@click.option("--send-now", is_flag=True, help="Tell participants at once of all that is still to be told.")
def event_import(file: BinaryIO, slug: str | None, shift_to: str | None, preview: bool, send_now: bool) -> None:
    """Take an event file in; an edited one updates its event in place, and participants are told a little later."""
    with _refusals(), trial() if preview else writing():
        now = clock.now()
        result = import_event(file.read(), as_slug=slug, shift_to=shift_to, now=now)
        for session in result.event.sessions if send_now else ():
            notices.send_now(session, now=now)
        nothing_kept = " (a preview: nothing is changed)" if preview else ""
        lines = [f"{result.event.slug}: {result.outcome}{nothing_kept}", *_told(result.event, now)]
    click.echo("\n".join(lines))


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


@invitation_commands.command("read-reply")
def invitations_read_reply() -> None:
    """Note the reply in one mail on standard input, so that organizers see it.

    For a mail server's pipe: it ends well whatever the mail is, so that none bounces; with 75 (EX_TEMPFAIL, try again
    later) where the database does not answer.
    """
    message = _mail_on(sys.stdin.buffer)
    try:
        with _cpu_seconds(MOST_CPU_SECONDS):
            reply = replies.read_reply(message)
    except _TookTooLong:
        reply = None
    try:
        said = _noted(reply) if reply else "nothing to note: no reply to an invitation"
    except SQLAlchemyError:
        click.echo("The database does not answer; hand this mail over again later.", err=True)
        sys.exit(os.EX_TEMPFAIL)
    click.echo(said)


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


def _told(event: Event, now: datetime) -> Iterator[str]:
    """Yield, for each session of which anything is still to be told, who is told what and when."""
    for session in event.sessions:
        if session.notice_at is not None:
            found = to_tell(session, now=now)
            words = [*told_lines(found), told_when(found, event.zone, now)] if found.at else ["Nobody has to be told."]
            yield f"{session.slug}: {' '.join(words)}"


def _noted(reply: replies.MailedReply) -> str:
    """Note a reply; return what came of it, without a word of whose it is: mail servers log it."""
    with writing():
        outcome = replies.note(reply, now=clock.now())
    if outcome is replies.Outcome.NOT_HELD:
        return "nothing to note: no such invitation"
    if outcome is replies.Outcome.OLDER:
        return "nothing to note: a newer reply is known"
    return f"noted: {reply.reply}"


def _mail_on(stream: BinaryIO) -> bytes:
    """Return the beginning of a mail, and read the rest too: a pipe that breaks is a fault to some mail servers."""
    beginning = stream.read(MOST_READ)
    while stream.read(MOST_READ):
        pass
    return beginning


class _TookTooLong(BaseException):
    """Not an Exception: the parsers that it has to stop may catch those."""


@contextmanager
def _cpu_seconds(most: float) -> Iterator[None]:
    """Stop what takes more of the processor's time than this many seconds. Raises _TookTooLong."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _TookTooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, most)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


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
