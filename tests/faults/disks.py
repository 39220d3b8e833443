"""A file system of its own in memory, small enough to be filled to the last octet."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.needs import need

SIZE = "64m"


class Disk:
    """What is mounted on `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave no room for anything."""
        ballast = self.folder / "ballast"
        try:
            for size in (1 << 20, 1 << 12, 1):
                with suppress(OSError), ballast.open("ab", buffering=0) as file:
                    while True:
                        file.write(bytes(size))
            yield
        finally:
            ballast.unlink()


@contextmanager
def mounted(folder: Path) -> Iterator[Disk]:
    """Mount a small file system on an empty folder, removed in the end; skips the test where that is not ours to do."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "tmpfs", str(folder)]
    is_mounted = os.geteuid() == 0 and subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode == 0
    if not is_mounted:
        folder.rmdir()
    need(is_mounted, "The right to mount a small file system")
    folder.chmod(0o755)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()
