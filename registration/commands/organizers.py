"""`flask organizer`: accounts of organizers."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from registration import clock, security_log
from registration.commands.refusals import refusals
from registration.domain import accounts, desk_sessions, second_factor
from registration.domain.programme import event_named
from registration.extensions import writing
from registration.links import public_url
from registration.models.organizer import Role

group = AppGroup("organizer", help="Accounts of organizers.")


@group.command("add")
@click.argument("address")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--event", "event_slug", help="The role holds for this event alone.")
def organizer_add(address: str, role: str, event_slug: str | None) -> None:
    """Make an account, or give one another role; prints a one-time link to set the password."""
    with refusals(), writing():
        event = event_named(event_slug) if event_slug else None
        organizer = accounts.add_organizer(address, Role(role), event, now=clock.now())
        key = accounts.password_key(organizer)
    security_log.done("role_given", account=organizer.public_id, role=role, event=event_slug or "all")
    click.echo(public_url("organizer.password", key=key))


@group.command("disable")
@click.argument("address")
def organizer_disable(address: str) -> None:
    """Let nobody sign in to an account any more; it is signed out at once."""
    with refusals(), writing():
        organizer = accounts.organizer_with(address)
        accounts.disable(organizer)
    security_log.done("account_disabled", account=organizer.public_id)
    click.echo(f"{address}: disabled")


@group.command("sign-out")
@click.argument("address")
def organizer_sign_out(address: str) -> None:
    """End every session of an account."""
    with refusals(), writing():
        organizer = accounts.organizer_with(address)
        count = desk_sessions.end_all(organizer)
    security_log.done("sessions_ended", account=organizer.public_id)
    click.echo(f"{count} sessions ended")


@group.command("sign-out-all")
def organizer_sign_out_all() -> None:
    """End every session of every account: a restored backup has those that had ended."""
    with writing():
        count = desk_sessions.end_everybodys()
    security_log.done("sessions_ended", account="all")
    click.echo(f"{count} sessions ended")


@group.command("forget-factor")
@click.argument("address")
def organizer_forget_factor(address: str) -> None:
    """Switch the second factor of somebody off who has lost app and codes, after asking who that is; signs them out."""
    with refusals(), writing():
        organizer = accounts.organizer_with(address)
        second_factor.end(organizer)
        desk_sessions.end_all(organizer)
    security_log.done("second_factor_off", account=organizer.public_id)
    click.echo(f"{address}: signs in with the password alone")
