"""Worker processes: `flask --app wsgi worker`, with the environment's settings, ended by real signals.

Most are forked from a process that has everything imported already (multiprocessing's fork server): a fresh start costs
a second of the processor, too much for hundreds of kills. `fresh` starts one from nothing, as an operator does.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from config import ROOT

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.faults.warm"])


class Worker(Protocol):
    """What the two kinds of process have in common."""

    pid: int

    def exit_code(self, timeout: float) -> int:
        """Wait for its end; a negative number is the signal that ended it."""

    def has_ended(self) -> bool:
        """Whether its number may be another process's by now."""


class Forked:
    """A worker from the fork server."""

    def __init__(self, environ: Mapping[str, str], arguments: tuple[str, ...]) -> None:
        self._process = _context.Process(target=run, args=(dict(environ), arguments), daemon=True)
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def exit_code(self, timeout: float) -> int:
        """Wait for its end; a negative number is the signal that ended it."""
        self._process.join(timeout)
        code = self._process.exitcode
        assert code is not None, f"the worker still runs after {timeout} s"
        return code

    def has_ended(self) -> bool:
        """Whether its number may be another process's by now."""
        return self._process.exitcode is not None


class Fresh:
    """A worker as an operator starts it."""

    def __init__(self, environ: Mapping[str, str], arguments: tuple[str, ...]) -> None:
        command = [str(Path(sys.executable).with_name("flask")), "--app", "wsgi", "worker", *arguments]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env={**plain_environ(), **environ}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        self.pid = self._process.pid

    def exit_code(self, timeout: float) -> int:
        """Wait for its end; a negative number is the signal that ended it."""
        return self._process.wait(timeout)

    def has_ended(self) -> bool:
        """Whether its number may be another process's by now."""
        return self._process.poll() is not None


class Workers:
    """The processes of one test: `environ` are their settings. All are ended with it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)
        self._running: list[Worker] = []

    def start(self, *arguments: str, fresh: bool = False) -> Worker:
        """Start one more."""
        worker: Worker = (Fresh if fresh else Forked)(self.environ, arguments)
        self._running.append(worker)
        return worker

    def end(self, worker: Worker, number: signal.Signals, timeout: float = 30) -> int:
        """Send a worker the signal that is to end it, and wait; returns how it ended."""
        self._running.remove(worker)
        if not worker.has_ended():
            os.kill(worker.pid, number)
        return worker.exit_code(timeout)

    def join(self, worker: Worker, timeout: float) -> int:
        """Wait for a worker that ends by itself."""
        code = worker.exit_code(timeout)
        self._running.remove(worker)
        return code

    def look(self, at: datetime) -> int:
        """Let a worker in development do all that is due, as if it were this time (UTC); returns how it ended."""
        self.environ["PLENARY_ENV"] = "development"
        return self.join(self.start("--once", "--at", f"{at:%Y-%m-%dT%H:%M:%S}"), 600)

    def end_all(self) -> None:
        """Kill what still runs."""
        while self._running:
            self.end(self._running[-1], signal.SIGKILL)


def run(environ: dict[str, str], arguments: tuple[str, ...]) -> None:
    """Be `flask --app wsgi worker` in this process."""
    from flask.cli import main  # noqa: PLC0415 - in the new process

    os.environ.clear()
    os.environ.update({**plain_environ(), **environ})
    os.chdir(ROOT)
    sys.argv = ["flask", "--app", "wsgi", "worker", *arguments]
    main()


def plain_environ() -> dict[str, str]:
    """What any program needs of the environment, and no setting of ours."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
