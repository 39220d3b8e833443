"""`flask invitations`: what comes back on invitations."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from registration import clock
from registration.commands.piped import mail_on, read_within_time, try_again_later
from registration.domain import replies
from registration.extensions import writing

group = AppGroup("invitations", help="What comes back on invitations.")


@group.command("read-reply")
def invitations_read_reply() -> None:
    """Note the reply in one mail on standard input, so that organizers see it.

    For a mail server's pipe: it ends well whatever the mail is, so that none bounces; with 75 (EX_TEMPFAIL, try again
    later) where the database does not answer.
    """
    reply = read_within_time(replies.read_reply, mail_on(sys.stdin.buffer))
    with try_again_later():
        said = _noted(reply) if reply else "nothing to note: no reply to an invitation"
    click.echo(said)


def _noted(reply: replies.MailedReply) -> str:
    """Note a reply; return what came of it, without a word of whose it is: mail servers log it."""
    with writing():
        outcome = replies.note(reply, now=clock.now())
    if outcome is replies.Outcome.NOT_HELD:
        return "nothing to note: no such invitation"
    if outcome is replies.Outcome.OLDER:
        return "nothing to note: a newer reply is known"
    return f"noted: {reply.reply}"
