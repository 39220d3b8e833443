"""What a command says when a rule refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from registration.errors import Refusal


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a refusal into the command's own error."""
    try:
        yield
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from None
