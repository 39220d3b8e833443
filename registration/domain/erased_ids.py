"""The ids of those who were erased, in an append-only file outside the database: by it a restored backup forgets them.

One public id a line: 22 random characters, nothing else. A line that was torn (a power cut, a full disk) is no id; the
next writer begins a new line after it. Writers take turns by a lock on the file.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable
from pathlib import Path

from registration.keys import PUBLIC_ID_LENGTH

_LINE = re.compile(rb"[A-Za-z0-9_-]{%d}" % PUBLIC_ID_LENGTH)


def read(path: Path) -> set[str]:
    """Return all ids in the file; none where there is no file yet."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return set()
    return {line.decode("ascii") for line in content.split(b"\n") if _LINE.fullmatch(line)}


def note(path: Path, public_ids: Iterable[str]) -> None:
    """Write these ids into the file, those that are not in it yet, and wait until the disk has them.

    Raises OSError where that cannot be done: then nobody may be erased yet.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        missing = sorted(set(public_ids) - read(path))
        if missing:
            _append(descriptor, "".join(f"{one}\n" for one in missing).encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        _keep_name(path.parent)


def _append(descriptor: int, lines: bytes) -> None:
    end = os.lseek(descriptor, 0, os.SEEK_END)
    if end and os.pread(descriptor, 1, end - 1) != b"\n":
        lines = b"\n" + lines
    while lines:
        lines = lines[os.write(descriptor, lines) :]


def _keep_name(folder: Path) -> None:
    """Let the folder keep the name of a file that was just made through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
