"""Mails that come to a command from outside: on a mail server's pipe, or out of a mailbox.

A mail server takes a broken pipe for a fault, and any end but 0 and 75 for a reason to bounce. So whatever is read, all
of it is read; nothing in it keeps a command busy for long; and it ends with 75 only where the database does not answer.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import BinaryIO, TypeVar

import click
from sqlalchemy.exc import SQLAlchemyError

MOST_READ = 1024 * 1024
"""Octets of a mail; what matters stands at its beginning, whatever is attached."""
MOST_CPU_SECONDS = 2.0
"""A mail takes milliseconds."""

Found = TypeVar("Found")


def mail_on(stream: BinaryIO) -> bytes:
    """Return the beginning of a mail, and read the rest too."""
    beginning = stream.read(MOST_READ)
    while stream.read(MOST_READ):
        pass
    return beginning


def read_within_time(read: Callable[[bytes], Found | None], message: bytes) -> Found | None:
    """Return what `read` makes of a mail; None where it takes too long over it."""
    try:
        with _cpu_seconds(MOST_CPU_SECONDS):
            return read(message)
    except _TookTooLong:
        return None


@contextmanager
def try_again_later() -> Iterator[None]:
    """End with 75 (EX_TEMPFAIL) where the database does not answer."""
    try:
        yield
    except SQLAlchemyError:
        click.echo("The database does not answer; hand this mail over again later.", err=True)
        sys.exit(os.EX_TEMPFAIL)


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
