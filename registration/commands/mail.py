"""`flask mail`: how mail leaves."""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import AppGroup

from config import Settings
from registration import clock
from registration.commands.refusals import refusals
from registration.domain.personal import mail_address
from registration.mail.checking import check
from registration.mail.dns_records import dns_records

group = AppGroup("mail", help="How mail leaves.")


@group.command("check")
@click.argument("address")
def mail_check(address: str) -> None:
    """Send a test mail to ADDRESS, say how far it came, and list the DNS records that the sender's domain needs."""
    settings: Settings = current_app.config["PLENARY"]
    with refusals():
        recipient = mail_address(address)
    taken = check(recipient, click.echo, now=clock.now())
    click.echo("It came through." if taken else "It did not come through.")
    click.echo()
    for line in dns_records(settings):
        click.echo(line)
    if not taken:
        sys.exit(1)
