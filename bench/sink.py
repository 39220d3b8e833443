"""A mail server that takes everything and keeps nothing."""

from __future__ import annotations

import shutil
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.ports import HERE, free_port


@contextmanager
def sink() -> Iterator[int]:
    """Run smtp-sink (of Debian's postfix), which takes everything and keeps nothing; else stop."""
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin")
    if program is None:
        sys.exit("smtp-sink is not on this machine: on Debian, apt-get install postfix")
    port = free_port()
    command = [program, "-u", "nobody", f"{HERE}:{port}", "100"]
    with subprocess.Popen(command) as process:  # noqa: S603 - our own arguments
        try:
            _until_it_listens(port)
            yield port
        finally:
            process.terminate()


def _until_it_listens(port: int) -> None:
    for _try in range(100):
        try:
            smtplib.SMTP(HERE, port, timeout=1).quit()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("smtp-sink does not answer")
