"""Mailboxes on this machine: a Maildir, or an mbox file."""

from __future__ import annotations

import mailbox
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from registration.commands.piped import MOST_READ


@dataclass(frozen=True)
class Mail:
    """The beginning of one mail, and how to take it out of its mailbox."""

    octets: bytes
    take_out: Callable[[], None]


@contextmanager
def opened(path: Path) -> Iterator[Iterator[Mail]]:
    """Give the mails in a mailbox, locked meanwhile; at the end those are gone that were taken out, even where the
    block fails. An mbox is written anew then: whoever is killed before that finds all of it still there.

    Raises ClickException where there is no mailbox, it is locked, or it cannot be read or written.
    """
    try:
        box = _mailbox(path)
        try:
            box.lock()
            yield _mails(box)
        finally:
            box.close()  # Writes what has changed, and unlocks.
    except mailbox.ExternalClashError:
        raise click.ClickException(f"Another program uses {path} just now; run this again later.") from None
    except mailbox.NoSuchMailboxError:
        raise click.ClickException(f"There is no mailbox at {path}: name a Maildir or an mbox file.") from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read or written ({error.strerror}).") from None


def _mailbox(path: Path) -> mailbox.Maildir | mailbox.mbox:
    if not path.is_dir():
        return mailbox.mbox(path, create=False)
    if not all((path / name).is_dir() for name in ("cur", "new", "tmp")):
        raise mailbox.NoSuchMailboxError(path)
    return mailbox.Maildir(path, create=False)


def _mails(box: mailbox.Maildir | mailbox.mbox) -> Iterator[Mail]:
    for key in box.keys():  # noqa: SIM118 - a mailbox is no dict; over itself it yields whole messages
        try:
            with box.get_file(key) as file:
                octets = file.read(MOST_READ)
        except (KeyError, FileNotFoundError):
            continue  # Another program has taken it out of the Maildir.
        yield Mail(octets, lambda key=key: box.discard(key))  # type: ignore[misc]  # mypy cannot infer the default's type
