"""`flask mail`: how mail leaves, and what comes back of it."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from config import Settings
from registration import clock
from registration.commands.mailboxes import opened
from registration.commands.piped import mail_on, read_within_time, try_again_later
from registration.commands.refusals import refusals
from registration.domain import bounces
from registration.domain.bounces import Bounce, Outcome
from registration.domain.personal import mail_address
from registration.extensions import writing
from registration.mail.checking import Verdict, check
from registration.mail.dns_records import dns_records
from registration.mail.posting import sender_domain

group = AppGroup("mail", help="How mail leaves, and what comes back of it.")

SAID: dict[Outcome | None, str] = {
    Outcome.NOTED: "noted: the mail came back",
    Outcome.STOPPED: "noted: the mail came back, and its address gets no more",
    Outcome.NOT_FAILED: "nothing to note: the mail is not given up",
    Outcome.UNKNOWN: "nothing to note: no such mail, or noted before",
    None: "nothing to note: no report about a mail of ours",
}
"""What came of it, without a word of whose mail it was: mail servers log it."""


@group.command("check")
@click.argument("address")
def mail_check(address: str) -> None:
    """Send a test mail to ADDRESS, say how far it came, and list the DNS records that the senders' domains need."""
    settings: Settings = current_app.config["PLENARY"]
    with refusals():
        recipient = mail_address(address)
    verdict = check(recipient, click.echo, now=clock.now())
    click.echo(verdict)
    click.echo()
    for line in dns_records(settings):
        click.echo(line)
    if verdict is Verdict.REFUSED:
        sys.exit(1)


@group.command("read-bounce")
def mail_read_bounce() -> None:
    """Note the bounce (RFC 3464) in one mail on standard input.

    For a mail server's pipe: it ends well whatever the mail is, so that none bounces; with 75 (EX_TEMPFAIL, try again
    later) where the database does not answer.
    """
    bounce = _read(mail_on(sys.stdin.buffer))
    with try_again_later():
        outcome = _note(bounce) if bounce else None
    click.echo(SAID[outcome])


@group.command("read-bounces")
@click.option("--mailbox", "path", type=click.Path(path_type=Path), required=True, help="A Maildir or an mbox file.")
def mail_read_bounces(path: Path) -> None:
    """Note the bounces (RFC 3464) in a mailbox and take them out of it; other mail stays."""
    read = stopped = left = 0
    with opened(path) as mails, try_again_later():
        for mail in mails:
            bounce = _read(mail.octets)
            if bounce is None:
                left += 1
                continue
            stopped += _note(bounce) is Outcome.STOPPED
            read += 1
            mail.take_out()
    click.echo(f"{read} bounces read, {stopped} addresses stopped, {left} other mails left")


def _read(message: bytes) -> Bounce | None:
    return read_within_time(partial(bounces.read_bounce, domain=sender_domain()), message)


def _note(bounce: Bounce) -> Outcome:
    with writing():
        return bounces.note(bounce, now=clock.now())
