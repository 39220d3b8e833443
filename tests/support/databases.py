"""The databases the tests run on: files of SQLite, and a PostgreSQL cluster made for one run of the tests."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

OWNER = "plenary"
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")
"""Nothing here outlives the tests, so nothing waits for the disk; and only the socket is open."""
DURABLE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "listen_addresses=")
"""As operators run it: what was committed survives an immediate stop."""


def postgresql_binaries() -> Path | None:
    """The folder of the newest PostgreSQL server on this machine, or None."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found += [Path(path).resolve().parent for path in [shutil.which("initdb")] if path]
    return max(found, key=lambda folder: folder.parent.name.zfill(4), default=None)


class Cluster:
    """A running PostgreSQL server, reached by the socket in `folder`."""

    def __init__(self, folder: Path, binaries: Path, options: Sequence[str]) -> None:
        self.folder, self._binaries = folder, binaries
        self._options = " ".join(f"-c {option}" for option in (*options, f"unix_socket_directories={folder}"))
        self._numbers = itertools.count(1)

    def url(self, database: str) -> str:
        """The database's address, as DATABASE_URL takes it."""
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self.run("pg_ctl", "start", "--wait", "--silent", "--pgdata", self.folder / "data",
                 "--log", self.folder / "log", "--options", self._options)  # fmt: skip

    def stop(self) -> None:
        """Stop it at once, as a crash does: nobody is waited for, and nothing is tidied up."""
        self.run("pg_ctl", "stop", "--silent", "--pgdata", self.folder / "data", "--mode", "immediate")

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run one of PostgreSQL's programs, which refuse to work for root: then as the user postgres."""
        as_postgres = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
        subprocess.run(
            [*as_postgres, str(self._binaries / program), *map(str, arguments)],
            cwd=self.folder,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def create(self, template: str = "template0") -> str:
        """Make a database, a copy of `template` (to which nobody may be connected), and return its name."""
        name = f"plenary_{next(self._numbers)}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    @contextmanager
    def elsewhere(self, folder: Path, template: str) -> Iterator[str]:
        """Make a copy of `template` whose tables lie in an empty folder, for as long as this lasts; gives its name."""
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        name = f"plenary_{next(self._numbers)}"
        names = {"name": sql.Identifier(name), "template": sql.Identifier(template), "folder": sql.Literal(str(folder))}
        self._execute(sql.SQL("CREATE TABLESPACE {name} LOCATION {folder}").format(**names))
        self._execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template} TABLESPACE {name}").format(**names))
        try:
            yield name
        finally:
            self.drop(name)
            self._execute(sql.SQL("DROP TABLESPACE {name}").format(**names))

    def drop(self, name: str) -> None:
        """Remove a database, ending whoever is still connected to it."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def empty(self, name: str) -> None:
        """Remove every row but the migrations' own and count ids from 1 again.

        For a test's few rows, DELETE without the keys' triggers takes 1 ms where TRUNCATE takes 30.
        Fails after 10 s if somebody still holds a lock.
        """
        with self._connection(name) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            ).fetchall()
            deletions = [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for (table,) in tables]
            connection.execute("SET lock_timeout = '10s'; SET session_replication_role = replica")
            connection.execute(sql.SQL("; ").join(deletions))
            connection.execute("SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'")

    def _execute(self, statement: sql.Composed) -> None:
        with self._connection("postgres") as connection:
            connection.execute(statement)

    def _connection(self, database: str) -> psycopg.Connection:
        return psycopg.connect(dbname=database, user=OWNER, host=str(self.folder), autocommit=True)


@contextmanager
def running_cluster(binaries: Path, options: Sequence[str] = QUICK) -> Iterator[Cluster]:
    """Make a cluster in a temporary folder, run it, and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="plenary-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    cluster = Cluster(folder, binaries, options)
    try:
        cluster.run("initdb", "--pgdata", folder / "data", "--username", OWNER, "--auth", "trust",
                    "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")  # fmt: skip
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)
