"""`flask invitations`: what comes back on invitations."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import BinaryIO

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from registration import clock
from registration.domain import replies
from registration.extensions import writing

group = AppGroup("invitations", help="What comes back on invitations.")

MOST_READ = 1024 * 1024
"""Octets of a mail; a reply stands at its beginning, whatever is attached."""
MOST_CPU_SECONDS = 2.0
"""A reply takes milliseconds."""


@group.command("read-reply")
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
