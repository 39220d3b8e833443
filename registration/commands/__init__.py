"""The command line: reads arguments and the clock, calls one rule, says what came of it."""

from __future__ import annotations

from flask import Flask

from registration import develop
from registration.commands import attendees, events, invitations, keys, mail, organizers, running


def init_app(app: Flask) -> None:
    """Give `flask` our commands."""
    for group in (events.group, attendees.group, organizers.group, invitations.group, keys.group, mail.group):
        app.cli.add_command(group)
    for command in (running.crowd, running.work, running.purge, develop.command):
        app.cli.add_command(command)
