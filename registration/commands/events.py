"""`flask event`: describe events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

import click
from flask.cli import AppGroup

from registration import clock
from registration.commands.refusals import refusals
from registration.domain import notices
from registration.domain.event_file import import_event
from registration.domain.holdings import to_tell
from registration.domain.programme import all_events
from registration.domain.trial import trial
from registration.extensions import writing
from registration.models import Event
from registration.web.organizer.session_words import told_lines, told_when

group = AppGroup("event", help="Describe events.")


@group.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--as", "slug", help="Take the event in under this name.")
@click.option("--shift-to", help="YYYY-MM-DD or YYYY-MM-DDTHH:MM: the first session's new wall time.")
@click.option("--preview", is_flag=True, help="Say who would be told what, and change nothing.")
@click.option("--send-now", is_flag=True, help="Tell participants at once of all that is still to be told.")
def event_import(file: BinaryIO, slug: str | None, shift_to: str | None, preview: bool, send_now: bool) -> None:
    """Take an event file in; an edited one updates its event in place, and participants are told a little later."""
    with refusals(), trial() if preview else writing():
        now = clock.now()
        result = import_event(file.read(), as_slug=slug, shift_to=shift_to, now=now)
        for session in result.event.sessions if send_now else ():
            notices.send_now(session, now=now)
        nothing_kept = " (a preview: nothing is changed)" if preview else ""
        lines = [f"{result.event.slug}: {result.outcome}{nothing_kept}", *_told(result.event, now)]
    click.echo("\n".join(lines))


@group.command("list")
def event_list() -> None:
    """List the events."""
    for event in all_events():
        first = min((session.starts_wall for session in event.sessions), default=None)
        starts = f"{first:%Y-%m-%d %H:%M}" if first else "no session"
        click.echo(f"{event.slug}\t{event.state}\t{starts}\t{event.zone}")


def _told(event: Event, now: datetime) -> Iterator[str]:
    """Yield, for each session of which anything is still to be told, who is told what and when."""
    for session in event.sessions:
        if session.notice_at is not None:
            found = to_tell(session, now=now)
            words = [*told_lines(found), told_when(found, event.zone, now)] if found.at else ["Nobody has to be told."]
            yield f"{session.slug}: {' '.join(words)}"
