"""Folders for files on the way, which hold personal data in clear: gone when the work ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "private-"


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """Give a new folder in `parent` (made if need be) that only this account may read; it is removed at the end.

    What killed processes left there is removed first. A folder in use is known by its lock, which the system lets go
    with its process: numbers of processes come again, and mean nothing to another container.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with _locked(parent):
        _remove_left(parent)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = _lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        os.close(lock)


def remove_left(parent: Path) -> None:
    """Remove what killed processes left in `parent`."""
    if parent.exists():
        with _locked(parent):
            _remove_left(parent)


def _remove_left(parent: Path) -> None:
    for left in parent.glob(f"{PREFIX}*"):
        _remove_unless_in_use(left)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = _lock(folder)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path, how: int = 0) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_unless_in_use(folder: Path) -> None:
    try:
        lock = _lock(folder, fcntl.LOCK_NB)
    except OSError:
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)
