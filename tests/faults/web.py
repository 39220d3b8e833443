"""The web server as an operator runs it, and a visitor who does not give up."""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import urlencode

from config import ROOT
from tests.faults.house import House, until
from tests.faults.workers import plain_environ
from tests.support.dialogue import EVENT, REGISTER, answers, registrations
from tests.support.ports import HERE, free_port

PAUSE = 0.2
"""Seconds between two visits: their mails are urgent, and go ahead of all others."""
PATIENCE = 60
"""Seconds a visitor waits for an answer."""


class Answer(NamedTuple):
    """What came back: the status, Retry-After (empty without), and the page."""

    status: int
    retry_after: str
    text: str


class Web:
    """A running web server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = itertools.count(1)

    def get(self, path: str) -> Answer:
        """Read a page."""
        return self._ask("GET", path, None)

    def sign_up(self, address: str) -> Answer:
        """Send the form of one person."""
        return self._ask("POST", f"{REGISTER}youth/", urlencode(answers(address=address), doseq=True))

    def _ask(self, method: str, path: str, body: str | None) -> Answer:
        number = next(self._numbers)
        # Everybody comes from another network: this is about the database, not about too many tries.
        headers = {"X-Forwarded-For": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        line = http.client.HTTPConnection(HERE, self._port, timeout=PATIENCE)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return Answer(answer.status, answer.getheader("Retry-After", ""), answer.read().decode())
        finally:
            line.close()


class Visitor:
    """Reads the event's page and signs somebody up, again and again; keeps the answers, and who was told yes."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self.answers: list[Answer] = []
        self.welcome: list[str] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def _go_on(self) -> None:
        for number in itertools.count(1):
            address = f"visitor-{number}@example.org"
            self.answers.append(self._web.get(EVENT))
            self.answers.append(self._web.sign_up(address))
            if self.answers[-1].status == 303:
                self.welcome.append(address)
            if self._done.wait(PAUSE):
                return

    def __enter__(self) -> Visitor:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    def judge(self, house: House) -> None:
        """Fail unless every answer was a good one or told when to come back, and all who were told yes are in."""
        told = {(answer.status, answer.retry_after) for answer in self.answers}
        assert told == {(200, ""), (303, ""), (503, "60")}
        house.answered()
        with house.app.app_context():
            assert [address for address in self.welcome if len(registrations(address)) != 1] == []


@contextmanager
def serving(environ: Mapping[str, str]) -> Iterator[Web]:
    """Run gunicorn with these settings on a free port."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"{HERE}:{port}",
               "--config", str(ROOT / "deploy" / "gunicorn.conf.py"), "wsgi:app"]  # fmt: skip
    settings = {**plain_environ(), "WEB_CONCURRENCY": "1", **environ, "TRUSTED_PROXIES": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=settings, stdin=subprocess.DEVNULL, start_new_session=True, stderr=subprocess.DEVNULL
    ) as process:
        try:
            web = Web(port)
            until(lambda: _is_alive(web), "a web server that answers")
            yield web
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _is_alive(web: Web) -> bool:
    try:
        return web.get("/healthz").status == 200
    except OSError:
        time.sleep(0.1)
        return False
