"""The event page while somebody tries passwords or sends a byte a second, against the same page in peace.

Gunicorn and nginx with the settings of deploy/, on this machine. Run it by itself: `python -m bench.attacks`.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from bench.house import SLUG, environ_of, house
from config import ROOT

HERE = "127.0.0.1"
PAGE = f"/events/{SLUG}/"
SIGN_IN = "/organizer/sign-in/"
SECONDS = int(os.environ.get("PLENARY_ATTACK_SECONDS", "15"))
"""How long each attack is watched; the plan's minute is PLENARY_ATTACK_SECONDS=60."""
TRIES_PER_SECOND = 50
SLOW_CLIENTS = 200
PATIENCE = 5.0
"""Seconds after which a reader has given up: counted as so long."""
BAR = 2.0


def main() -> None:
    """Print how much longer the page takes under each attack, and how the passwords were answered."""
    with tempfile.TemporaryDirectory() as name, _servers(Path(name)) as (direct, proxied):
        _watch(proxied)
        peace = _p95(_watch(proxied))
        print(f"event page in peace, through nginx: p95 {1000 * peace:.1f} ms")
        with _flooding(proxied) as statuses:
            _tell(f"{TRIES_PER_SECOND} passwords a second from one network", _p95(_watch(proxied)), peace)
        print(f"  answered: {dict(statuses)}")
        with _slow_clients(proxied):
            _tell(f"{SLOW_CLIENTS} clients of a byte a second, through nginx", _p95(_watch(proxied)), peace)
        with _slow_clients(direct):
            print(f"  without nginx (not how to run it): p95 {1000 * _p95(_watch(direct)):.0f} ms")


def _tell(what: str, seconds: float, peace: float) -> None:
    print(f"{what}: p95 {1000 * seconds:.1f} ms, ratio {seconds / peace:.2f} (at most {BAR})")


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _watch(port: int) -> list[float]:
    """Read the page again and again; return how long each took."""
    times, until = [], time.monotonic() + SECONDS
    while time.monotonic() < until:
        begun = time.perf_counter()
        try:
            assert _ask(port, "GET", PAGE, timeout=PATIENCE) == 200
            times.append(time.perf_counter() - begun)
        except OSError:
            times.append(PATIENCE)
        time.sleep(0.02)
    return times


@contextmanager
def _flooding(port: int) -> Iterator[Counter[int]]:
    """Try passwords of ever other accounts while the block runs; gives the statuses."""
    line = http.client.HTTPConnection(HERE, port)
    line.request("GET", SIGN_IN)
    page = line.getresponse()
    cookie = (page.getheader("Set-Cookie") or "").partition(";")[0]
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.read().decode())
    assert found
    statuses: Counter[int] = Counter()

    def attempt(number: int) -> None:
        typed = {"csrf_token": found[1], "address": f"a{number}@example.org", "password": "wrong wrong wrong"}
        statuses[_ask(port, "POST", SIGN_IN, urlencode(typed), cookie=cookie)] += 1

    with _going_on(attempt, 1 / TRIES_PER_SECOND):
        yield statuses


@contextmanager
def _going_on(attempt: Callable[[int], None], pause: float) -> Iterator[None]:
    """Do something again and again, each in its own thread, while the block runs."""
    done = threading.Event()

    def go_on() -> None:
        threads = []
        number = 0
        while not done.wait(pause):
            number += 1
            threads.append(threading.Thread(target=attempt, args=(number,)))
            threads[-1].start()
        for thread in threads:
            thread.join()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def _slow_clients(port: int) -> Iterator[None]:
    """So many clients, each sending a form a byte a second; who is hung up on comes again."""
    done = threading.Event()

    def drip() -> None:
        lines = [_begin(port) for _client in range(SLOW_CLIENTS)]
        while not done.wait(1):
            for number, line in enumerate(lines):
                try:
                    line.send(b"a")
                except OSError:
                    line.close()
                    lines[number] = _begin(port)
        for line in lines:
            line.close()

    thread = threading.Thread(target=drip)
    thread.start()
    time.sleep(2)
    try:
        yield
    finally:
        done.set()
        thread.join()


def _begin(port: int) -> socket.socket:
    line = socket.create_connection((HERE, port))
    line.settimeout(1)
    line.sendall(
        f"POST {SIGN_IN} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode()
    )
    return line


def _ask(port: int, method: str, path: str, body: str | None = None, *, cookie: str = "", timeout: float = 30) -> int:
    line = http.client.HTTPConnection(HERE, port, timeout=timeout)
    headers = {"Cookie": cookie} if cookie else {}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        line.request(method, path, body, headers)
        answer = line.getresponse()
        answer.read()
        return answer.status
    finally:
        line.close()


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[int, int]]:
    """Run both servers; gives their ports: gunicorn's, nginx's."""
    house(folder)
    direct, proxied = _free_port(), _free_port()
    environ = {**os.environ, **environ_of(folder), "TRUSTED_PROXIES": "1", "WEB_CONCURRENCY": "2"}
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, here=HERE, port=proxied, direct=direct, deploy=ROOT / "deploy"))
    gunicorn = [sys.executable, "-m", "gunicorn", "--bind", f"{HERE}:{direct}",
                "--config", str(ROOT / "deploy" / "gunicorn.conf.py"), "wsgi:app"]  # fmt: skip
    nginx = [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(settings), "-p", str(folder), "-g", "daemon off;"]
    quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with (
        subprocess.Popen(gunicorn, cwd=ROOT, env=environ, **quiet) as first,  # noqa: S603 - our own arguments
        subprocess.Popen(nginx, **quiet) as second,  # noqa: S603 - our own arguments
    ):
        try:
            _until_it_answers(proxied)
            yield direct, proxied
        finally:
            second.terminate()
            first.terminate()


def _until_it_answers(port: int) -> None:
    for _try in range(600):
        try:
            if _ask(port, "GET", "/healthz") == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the servers do not answer")


def _free_port() -> int:
    with socket.create_server((HERE, 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


NGINX = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {here}:{port};
    include {deploy}/nginx-limits.conf;
    location / {{ proxy_pass http://{here}:{direct}; }}
  }}
}}
"""


if __name__ == "__main__":
    main()
