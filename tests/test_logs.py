"""What is written down where people's requests pass: nginx and gunicorn as we ship them, and the worker.

A whole walk, with all that can go wrong on it; then every log is read for keys, addresses and what people typed.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from config import ROOT
from registration import clock
from registration.domain import accounts
from registration.extensions import db, writing
from registration.models import EventSession
from registration.models.organizer import Role
from tests.faults.house import House, environ_of, opened, until
from tests.faults.sink import Sink, running_sink
from tests.faults.workers import plain_environ
from tests.support.dialogue import EVENT, FIND, REGISTER, answers, sign_up_by_rule
from tests.support.failing import DATA
from tests.support.keys import DOORS, PASSWORD, keys_of, password_key
from tests.support.needs import need
from tests.support.nginx import Nginx, running_nginx
from tests.support.ports import HERE, free_port

READER = "127.0.0.9"
"""The address of whoever asks; all of 127.0.0.0/8 is this machine."""
CLAIMED = "203.0.113.77"
ZENOBIA, ORGANIZER = "zenobia.marker@example.org", "oda.marker@example.org"
PERSONAL = ["Zenobia-Marker", ZENOBIA, "zenobia.marker", ORGANIZER, "browser-marker", "referrer-marker", "query-marker"]
TOLD = {
    "User-Agent": "browser-marker",
    "Referer": "https://referrer-marker.example.org/",
    "X-Forwarded-For": CLAIMED,
    "Cookie": "my=zenobia.marker",
}
QUERY = "?lang=fr&name=query-marker"
BROKEN_HANDSHAKE = bytes.fromhex("16030100050100000100")
"""A TLS record whose greeting is cut."""
TOO_LARGE = b"needs=" + b"Zenobia-Marker" * 30_000


class Served(NamedTuple):
    """Everything that runs, and where it writes."""

    house: House
    nginx: Nginx
    gunicorn_port: int
    gunicorn: subprocess.Popen[bytes]
    folder: Path

    def log(self, name: str) -> str:
        """What one of the logs says so far."""
        return (self.folder / name).read_text(errors="replace")


@contextmanager
def gunicorn(app: str, port: int, environ: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run gunicorn with the settings that we ship and its access log on; it writes to two files in the folder."""
    command = [sys.executable, "-m", "gunicorn", "--bind", f"{HERE}:{port}",
               "--config", str(ROOT / "deploy" / "gunicorn.conf.py"), app]  # fmt: skip
    settings = {**plain_environ(), "WEB_CONCURRENCY": "1", **environ, "TRUSTED_PROXIES": "1", "ACCESS_LOG": "1"}
    with ExitStack() as files:
        out, err = (files.enter_context((folder / f"gunicorn.{name}").open("wb")) for name in ("out", "err"))
        process = subprocess.Popen(
            command, cwd=ROOT, env=settings, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        try:
            until(lambda: direct(port, "GET", "/healthz") == 200, "a web server that answers")
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[Served]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    need(program, "nginx")
    assert program
    with ExitStack() as running:
        sink: Sink = running.enter_context(running_sink())
        environ = environ_of(database_url, sink, tmp_path)
        house = running.enter_context(opened(environ, sink))
        port = free_port()
        process = running.enter_context(gunicorn("wsgi:app", port, environ, tmp_path))
        (tmp_path / "nginx").mkdir()
        nginx = running.enter_context(running_nginx(program, tmp_path / "nginx", port))
        yield Served(house, nginx, port, process, tmp_path)


def direct(port: int, method: str, path: str, body: bytes | None = None) -> int:
    """Ask gunicorn itself; 0 where nobody answers."""
    line = http.client.HTTPConnection(HERE, port, timeout=20, source_address=(READER, 0))
    try:
        line.request(method, path, body, TOLD)
        return line.getresponse().status
    except OSError:
        return 0
    finally:
        line.close()


def ask(nginx: Nginx, method: str, path: str, body: bytes | None = None) -> int:
    """Ask over TLS, from the reader's address; 0 where the line is closed without an answer."""
    line = http.client.HTTPSConnection(HERE, nginx.port, timeout=20, source_address=(READER, 0), context=nginx.trust)
    form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    try:
        line.request(method, path, body, {**TOLD, **form})
        return line.getresponse().status
    except OSError:
        return 0
    finally:
        line.close()


def write_raw(port: int, octets: bytes, trust: ssl.SSLContext | None = None) -> None:
    """Send octets that are no good request, and wait until something is answered or the line is closed."""
    with ExitStack() as lines, suppress(OSError):
        line = lines.enter_context(socket.create_connection((HERE, port), 20, (READER, 0)))
        if trust:
            line = lines.enter_context(trust.wrap_socket(line, server_hostname=HERE))
        line.sendall(octets)
        line.recv(4096)


def hang_up(served: Served, path: str) -> None:
    """Ask, and go before the answer: gunicorn is stopped meanwhile."""
    os.killpg(served.gunicorn.pid, signal.SIGSTOP)
    with socket.create_connection((HERE, served.nginx.port), 20, (READER, 0)) as plain:
        line = served.nginx.trust.wrap_socket(plain, server_hostname=HERE)
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: events.example.org\r\n\r\n".encode())
        line.close()
    until(lambda: " 499 " in served.log("nginx/log/access.log"), "a request that was given up")
    os.killpg(served.gunicorn.pid, signal.SIGCONT)


def unreadable(key: str) -> list[bytes]:
    """Requests that no server takes, each with a key and an address in it."""
    return [
        f"GET /my/{key}/ HTTP/9.9\r\nHost: x\r\n\r\n".encode(),
        f"{ZENOBIA} /my/{key}/\r\n\r\n".encode(),
        f"ZENOBIA-MARKER /my/{key}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        f"GET /my/{key}/ HTTP/1.1\r\nHost: x\r\n{ZENOBIA}\r\n\r\n".encode(),
        f"GET /my/{key}/ HTTP/1.1\r\nHost: x\r\nX-A B: {ZENOBIA}\r\n\r\n".encode(),
        f"GET /my/{key}/ HTTP/1.1\r\nHost: x\r\nCookie: {key * 1000}\r\n\r\n".encode(),
        f"GET /my/{key * 1000}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        f"POST /prove/{key}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{ZENOBIA}\r\n".encode(),
        f"POST /prove/{key}/ HTTP/1.1\r\nHost: x\r\nContent-Length: {ZENOBIA}\r\n\r\n".encode(),
    ]


def people(house: House) -> dict[str, str]:
    """Let Zenobia sign up and an organizer be added; the keys of both, by kind."""
    with house.app.app_context():
        sign_up_by_rule(ZENOBIA, name="Zenobia-Marker", now=clock.now())
        with writing():
            accounts.add_organizer(ORGANIZER, Role.OWNER, None, now=clock.now())
        code = db.session.query(EventSession).first().code
    return {**keys_of(house.app, ZENOBIA), PASSWORD: password_key(house.app, ORGANIZER), "code": code}


def walk(served: Served, keys: dict[str, str]) -> set[int]:
    """Go everywhere a key leads, well and badly; answers with the statuses that came back."""
    nginx, key = served.nginx, keys["manage"]
    encoded = "".join(f"%{ord(one):02X}" for one in key)
    statuses = {
        ask(nginx, "GET", EVENT),
        ask(nginx, "GET", f"{EVENT}sessions/human-rights.ics{QUERY}"),
        ask(nginx, "GET", f"/s/{keys['code']}/"),
        ask(nginx, "POST", f"{REGISTER}youth/", urlencode(answers(address=ZENOBIA), doseq=True).encode()),
        ask(nginx, "POST", f"{REGISTER}youth/", urlencode({"name": "Zenobia-Marker"}).encode()),
        ask(nginx, "POST", FIND, urlencode({"address": ZENOBIA}).encode()),
        ask(nginx, "POST", "/my/links/all/renew/", b"csrf_token=query-marker"),
        ask(nginx, "GET", f"/events/{ZENOBIA}/"),
        ask(nginx, "GET", f"/organizer/events/dialogue-next/attendees/{key[:22]}/"),
        ask(nginx, "POST", f"/prove/{keys['prove']}/", TOO_LARGE),
        ask(nginx, "GET", "/metrics"),
    }
    for door in DOORS:
        statuses.add(ask(nginx, door.method, door.path.format(keys[door.kind]) + QUERY))
        statuses.add(ask(nginx, "HEAD", door.path.format(keys[door.kind])))
        statuses.add(ask(nginx, door.method, door.path.format(key[:-1] + "-")))
    for path in (f"/my/{encoded}/", f"//my/{key}/", f"/x/my/{key}/", f"/%6dy/{key}/", f"/{key}", f"/my/{key}/../x"):
        statuses.add(ask(nginx, "GET", path))
    for octets in unreadable(key):
        write_raw(nginx.port, octets, nginx.trust)
        write_raw(nginx.port, octets)
        write_raw(nginx.plain_port, octets)
        write_raw(served.gunicorn_port, octets)
    direct(served.gunicorn_port, "POST", f"/prove/{keys['prove']}/", TOO_LARGE)
    write_raw(nginx.port, b"", ssl.create_default_context())
    write_raw(nginx.port, BROKEN_HANDSHAKE)
    hang_up(served, f"/my/{key}/{QUERY}")
    return statuses


def work(served: Served) -> None:
    """Let a worker process do all that is due."""
    with (served.folder / "worker.log").open("wb") as log:
        subprocess.run(
            [Path(sys.executable).with_name("flask"), "--app", "wsgi", "worker", "--once"],
            cwd=ROOT, env={**plain_environ(), **served.house.environ}, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, check=True, timeout=60,
        )  # fmt: skip


def paths_in(log: str) -> set[tuple[str, str]]:
    """(method, path) of each line of an access log."""
    return {(fields[1], fields[2]) for fields in map(str.split, log.splitlines())}


KEYED = {
    ("GET", "/my/***"), ("GET", "/prove/***"), ("POST", "/prove/***"), ("GET", "/feeds/***"), ("HEAD", "/my/***"),
    ("GET", "/unsubscribe/***"), ("POST", "/unsubscribe/***"), ("GET", "/organizer/password/***"), ("GET", "/s/***"),
}  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_log_says_who_asked_or_for_what_of_theirs(served: Served) -> None:
    keys = people(served.house)
    statuses = walk(served, keys)
    work(served)
    os.killpg(served.gunicorn.pid, signal.SIGTERM)
    served.gunicorn.wait(10)
    assert ask(served.nginx, "GET", f"/my/{keys['manage']}/") == 502
    until(lambda: " 502 " in served.log("nginx/log/access.log"), "the last line of the log")

    assert statuses >= {200, 303, 400, 404, 413, 422}
    nginx, own = served.log("nginx/log/access.log"), served.log("gunicorn.out")
    assert paths_in(nginx) >= {("GET", EVENT), ("POST", FIND), ("GET", f"{EVENT}sessions/human-rights.ics"), *KEYED}
    assert {re.sub(r"\*\*\*.*", "***", path) for _method, path in paths_in(own)} >= {
        EVENT,
        *(path for _, path in KEYED),
    }
    assert set(re.findall(r" (\d{3}) ", nginx)) >= {"200", "303", "400", "404", "413", "422", "499", "502"}

    files = [path for path in served.folder.rglob("*") if path.suffix in (".log", ".out", ".err")]
    assert len(files) == 6
    told = {path.name: path.read_text(errors="replace").lower() for path in files}
    halves = [half for key in keys.values() for half in (key[:22], key[22:])]
    secret = [READER, CLAIMED, *PERSONAL, *(half for half in halves if half)]
    assert [(name, one) for name, words in told.items() for one in secret if one.lower() in words] == []


def test_a_fault_under_gunicorn_is_told_by_its_place_alone(tmp_path: Path) -> None:
    port, key = free_port(), "Ab0_-" * 8 + "wxyZ"
    with gunicorn("tests.support.failing:app", port, {}, tmp_path):
        for path in (f"/my/{key}/", f"/later/{key}/"):
            with suppress(http.client.HTTPException):
                direct(port, "GET", path)
    told = (tmp_path / "gunicorn.err").read_text() + (tmp_path / "gunicorn.out").read_text()
    assert len(re.findall(r"a request failed: ValueError at app \(", told)) == 2
    assert [one for one in (key, DATA, READER, CLAIMED) if one in told] == []
