"""The fixtures of all tests. A test that uses `app`, or what stands on it, runs on SQLite and PostgreSQL."""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from jinja2 import FileSystemBytecodeCache
from playwright.sync_api import Browser, Page

from config import ROOT, Settings, load_settings
from registration import create_app, forgetting
from registration.clock import set_clock
from registration.domain import catalogue
from registration.extensions import db, limiter
from registration.web import page_cache
from tests.support.access_world import World, make_world, sqlite_keeper
from tests.support.browser import CHROMIUM, open_tab, running_browser, serving
from tests.support.client import Client
from tests.support.clock import FakeClock, Seconds
from tests.support.databases import Cluster, postgresql_binaries, running_cluster
from tests.support.ical_reader import CalendarReader, reader_is_there, running_reader
from tests.support.needs import need
from tests.support.offline import stay_on_this_machine
from tests.support.ports import free_socket
from tests.support.redis import running_redis
from tests.support.smtp import MailServer, running_mail_server
from tests.support.watcher import found, watcher

PUBLIC_URL = "https://events.example.org"
MakeSettings = Callable[[str], Settings]
StartApp = Callable[[Settings, FakeClock], AbstractContextManager[Flask]]
_last: dict[str, tuple[Settings, Flask]] = {}
"""By the database's address: the application of the last test, and its settings."""


@dataclass(frozen=True)
class LiveServer:
    """The application as a browser reaches it, at `url`."""

    app: Flask
    url: str


def pytest_configure() -> None:
    """Nothing in the tests may depend on another machine, and nothing personal may be kept in clear."""
    stay_on_this_machine()
    watcher.start()


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    """The one SMTP server of the run; tests use `smtp`."""
    with running_mail_server() as server:
        yield server


@pytest.fixture
def smtp(mail_server: MailServer) -> MailServer:
    """A real SMTP server with an empty inbox, to which the application's mail goes."""
    mail_server.clear()
    return mail_server


@pytest.fixture(scope="session")
def make_settings(mail_server: MailServer, tmp_path_factory: pytest.TempPathFactory) -> MakeSettings:
    """Give the settings of production for a database's address."""
    fixed = {
        "PLENARY_ENV": "production",
        "PLENARY_INSTANCE": str(tmp_path_factory.mktemp("instance")),
        "SECRET_KEY": "only-for-tests-" * 3,
        "SEAL_KEYS": "k1:" + base64.b64encode(bytes(range(32))).decode(),
        "PUBLIC_URL": PUBLIC_URL,
        "MAIL_SERVER": mail_server.hostname,
        "MAIL_PORT": str(mail_server.port),
        "MAIL_DEFAULT_SENDER": "dialogue@example.org",
    }
    return lambda database_url: load_settings({**fixed, "DATABASE_URL": database_url})


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for this run."""
    binaries = postgresql_binaries()
    need(binaries, "PostgreSQL")
    assert binaries
    with running_cluster(binaries) as running:
        yield running
        watcher.forget()
        assert found(watcher.ever, (running.folder / "log").read_bytes()) == []


@pytest.fixture(scope="session")
def migrated_sqlite(make_settings: MakeSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file without rows, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.sqlite"
    migrate(make_settings(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(make_settings: MakeSettings, cluster: Cluster) -> str:
    """The name of a migrated PostgreSQL database, to be emptied before each use."""
    name = cluster.create()
    migrate(make_settings(cluster.url(name)))
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database without rows, the same in every test."""
    if request.param == "sqlite":
        migrated: Path = request.getfixturevalue("migrated_sqlite")
        for left in migrated.parent.glob("plenary.sqlite*"):
            left.unlink()
        copy = shutil.copy(migrated, migrated.with_name("plenary.sqlite"))
        return f"sqlite:///{copy}"
    cluster: Cluster = request.getfixturevalue("cluster")
    name: str = request.getfixturevalue("migrated_postgresql")
    cluster.empty(name)
    return cluster.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database in which nothing has been made yet, for the tests of the migrations."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = cluster.create()
    yield cluster.url(name)
    cluster.drop(name)


@pytest.fixture
def clock() -> FakeClock:
    """The application's clock, which stands still until the test moves it."""
    return FakeClock()


@pytest.fixture
def now(clock: FakeClock) -> datetime:
    """The moment at which the test begins."""
    return clock.now


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    """What limits count by, however slow the machine that runs the test is."""
    still = Seconds(time.time())
    monkeypatch.setattr(time, "time", still)
    return still


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str) -> Settings:
    """What the application is run with, its instance folder empty; a module that wants others defines `settings` anew
    from these."""
    settings = make_settings(database_url)
    shutil.rmtree(settings.instance_path)
    settings.instance_path.mkdir()
    return settings


@pytest.fixture
def app(settings: Settings, clock: FakeClock, smtp: MailServer, templates: FileSystemBytecodeCache) -> Iterator[Flask]:
    """The application on a fresh database. For rules and rows use `with app.app_context():`, or `context`.

    Making one, and its SQL, costs more than most tests: a test with the settings of the last one gets that one, which
    remembers nothing.
    """
    last, running = _last.get(settings.database_url, (None, None))
    if running is not None and last == settings and not settings.trusted_proxies:
        forget_all(running, clock)
    else:
        running = _make(settings, clock, templates)
        _last[settings.database_url] = settings, running
    with _watched(running, settings):
        yield running


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    """The application's context for the whole test; such a test does not ask over HTTP."""
    with app.app_context():
        yield


@pytest.fixture
def client(app: Flask) -> Client:
    """A visitor without a browser. More visitors: `app.test_client()`."""
    visitor = app.test_client()
    assert isinstance(visitor, Client)
    return visitor


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """The command line: `runner.invoke(args=["event", "list"])`."""
    return app.test_cli_runner()


@pytest.fixture
def live_server(
    settings: Settings, clock: FakeClock, smtp: MailServer, templates: FileSystemBytecodeCache
) -> Iterator[LiveServer]:
    """The application on a fresh database, served on a port of this machine."""
    with free_socket() as listening:
        port = listening.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        here = replace(settings, public_url=url, port=port)
        running = _make(here, clock, templates)
        with _watched(running, here), serving(running, listening):
            yield LiveServer(running, url)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    need(Path(CHROMIUM).exists(), "Chromium")
    with running_browser() as running:
        yield running


@pytest.fixture
def tab(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A tab of the browser in which paths lead to `live_server`: `tab.goto("/events/")`."""
    with open_tab(browser, live_server.url) as page:
        yield page


@pytest.fixture(scope="session")
def calendar_reader() -> Iterator[CalendarReader]:
    """ical.js, which reads calendars for Thunderbird: one process for the run."""
    need(reader_is_there(), "ical.js, or the Node.js that runs it,")
    with running_reader() as reader:
        yield reader


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a Redis for this run."""
    program = shutil.which("redis-server")
    need(program, "Redis")
    assert program
    with running_redis(program) as url:
        yield url


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Compiled templates, kept from one application to the next."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session")
def start_app(templates: FileSystemBytecodeCache) -> StartApp:
    """Give applications to fixtures that outlive a test."""
    return lambda settings, clock: _running(settings, clock, templates)


@pytest.fixture(scope="module")
def world(
    make_settings: MakeSettings, start_app: StartApp, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The world of the access matrix, for all tests of a module: whatever is kept is put back after each request."""
    path = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("matrix") / "matrix.sqlite")
    clock = FakeClock()
    with start_app(make_settings(f"sqlite:///{path}"), clock) as app, sqlite_keeper(str(path)) as keeper:
        yield make_world(app, keeper, lambda: forget_all(app, clock))


@contextmanager
def _watched(app: Flask, settings: Settings) -> Iterator[None]:
    """Fail the test in which anything personal was kept in clear; and disconnect at the end."""
    watcher.forget()
    try:
        yield
        assert watcher.hits(settings, app) == []
    finally:
        _disconnect(app)


@contextmanager
def _running(settings: Settings, clock: FakeClock, templates: FileSystemBytecodeCache) -> Iterator[Flask]:
    app = _make(settings, clock, templates)
    try:
        yield app
    finally:
        _disconnect(app)


def _make(settings: Settings, clock: FakeClock, templates: FileSystemBytecodeCache) -> Flask:
    app = create_app(settings, clock=clock)
    app.testing = True
    app.jinja_env.bytecode_cache = templates
    app.test_client_class = type("ClientHere", (Client,), {"public_url": settings.public_url})
    return app


def forget_all(app: Flask, clock: FakeClock) -> None:
    """Make an application as good as new: its time, its counted tries, the pages and events that it keeps."""
    set_clock(app, clock)
    del app.wsgi_app
    page_cache.init_app(app)
    app.extensions.pop(forgetting.PROGRESS, None)
    catalogue._kept.clear()
    limiter.init_app(app)


def migrate(settings: Settings) -> None:
    """Make the tables in an empty database."""
    app = create_app(settings, clock=FakeClock())
    with app.app_context():
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))
    _disconnect(app)


def _disconnect(app: Flask) -> None:
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
