"""`flask attendees`: attendee lists."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from flask import current_app
from flask.cli import AppGroup

from registration import clock
from registration.commands.refusals import refusals
from registration.domain import accounts, exports
from registration.domain.programme import event_named
from registration.extensions import writing

group = AppGroup("attendees", help="Attendee lists.")


@group.command("export")
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
    with refusals(), _whole_file(output) as file:
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
