"""`flask keys`: the keys of SEAL_KEYS, and what is sealed with which."""

from __future__ import annotations

import time
from collections import Counter

import click
from flask.cli import AppGroup

from registration.databases import wipe_free_space
from registration.domain import sealing
from registration.domain.sealing import SEALED, SealedColumn
from registration.extensions import db, keyring, writing

BATCH = 100
"""Rows that one unit of work reseals: a few milliseconds, in which others wait."""
MOST_PASSES = 10
PASS_PAUSE = 0.5
"""Seconds between two passes: who was just changing a row has then mostly done so."""

group = AppGroup("keys", help="The keys that seal people's data.")


@group.command("rotate")
def rotate() -> None:
    """Seal all that is sealed with older keys with the first of SEAL_KEYS, while the service runs.

    Whoever breaks it off runs it again.
    """
    newest = keyring.keys.names[0]
    done = Counter[SealedColumn]()
    for number in range(MOST_PASSES):
        time.sleep(PASS_PAUSE if number else 0)
        for column in SEALED:
            done[column] += _reseal(column)
        left = _old_values()
        if not left:
            break
    for column in SEALED:
        click.echo(f"{column}: {done[column]} sealed anew with {newest}")
    if done and not _wiped():
        raise click.ClickException("The database is in use: run this once more to wipe what lay under the old key.")
    if left:
        raise click.ClickException(
            f"{left.total()} values are still sealed with another key than {newest}: start every process anew with "
            "these SEAL_KEYS, then run this once more. If all have been, these values are torn and do not open."
        )
    _say_what_may_go()


@group.command("status")
def status() -> None:
    """Say how many values are sealed with which key, and which key may go."""
    for column in SEALED:
        found = sealing.count_by_key(column)
        click.echo(f"{column}: {', '.join(f'{name} {count}' for name, count in found.items()) or 'nothing'}")
    _say_what_may_go()


def _reseal(column: SealedColumn) -> int:
    """Reseal a column once from end to end. Returns how many values."""
    done = after = 0
    while True:
        begun = time.monotonic()
        with writing():
            batch = sealing.reseal_batch(column, after=after, limit=BATCH)
        if batch is None:
            return done
        done, after = done + batch.resealed, batch.last
        time.sleep(time.monotonic() - begun)  # As long as that took, so that others write meanwhile.


def _old_values() -> Counter[str]:
    """Return how many values there are that are not sealed with the newest key, by the name of theirs."""
    found = sum((sealing.count_by_key(column) for column in SEALED), Counter[str]())
    db.session.rollback()
    del found[keyring.keys.names[0]]
    return found


def _wiped() -> bool:
    return any(wipe_free_space() for _try in range(3))


def _say_what_may_go() -> None:
    newest, *others = keyring.keys.names
    needed = _old_values()
    click.echo(f"{newest} seals what is new.")
    for name in others:
        count = needed[name]
        click.echo(
            f"{name} is needed for {count} values until `keys rotate` has run."
            if count
            else f"{name} may be removed from SEAL_KEYS now; backups from before need it."
        )
