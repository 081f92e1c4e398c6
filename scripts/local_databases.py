"""A Postgres, a MariaDB, a Redis on this machine, in folders of their own, for tests.

Debian's packages ``postgresql``, ``mariadb-server`` and ``redis-server`` bring the
programs; no server of the system is touched. Each listens on a free port of the
loopback address and is stopped by its process id.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_SECONDS = 300
STOP_SECONDS = 60
_POSTGRES = "/usr/lib/postgresql/*/bin"
_SBIN = "/usr/sbin"
# What all of them log when they may be used.
_READY = b" ready "


class NotInstalled(Exception):
    """A server's programs are not on this machine."""


def program(name: str, folder: str) -> str:
    """Return the path of a program.

    :param folder: where else it may be than in the path; a pattern.
    :raises NotInstalled: when it is not there.
    """
    found = [shutil.which(name), *sorted(Path("/").glob(f"{folder[1:]}/{name}"))]
    for each in filter(None, reversed(found)):
        return str(each)
    raise NotInstalled(f"{name} is not on this machine")


@dataclass
class LocalDatabase:
    """A server that was started.

    :param connection: what an Airflow connection to it says.
    :param command: that runs it.
    """

    connection: dict[str, Any]
    folder: Path
    command: Sequence[str]
    user: str | None
    # Both of the others hear it as "stop now, and leave nothing behind".
    stopped_by: int = signal.SIGQUIT
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    def start(self) -> None:
        """Start it, or start it again; return when it listens."""
        log = self.folder / "log"
        log.touch()
        before = log.read_bytes().lower().count(_READY)
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self.user,
                cwd=self.folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if log.read_bytes().lower().count(_READY) > before:
                return
            time.sleep(0.05)
        words = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self.command[0]} did not start:\n{words}")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Let it be gone, without a word to anybody.

        :param number: SIGQUIT is heard by all as "stop now, and leave nothing behind".
        """
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(STOP_SECONDS)
        self.process = None


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[LocalDatabase]:
    """Run a Postgres.

    :param durable: whether a commit is on the disk, as in production; tests that end
        processes and no machines need not wait for that.
    :raises NotInstalled: when it is not on this machine.
    """
    initdb, server = program("initdb", _POSTGRES), program("postgres", _POSTGRES)
    with _folder("postgres") as (folder, user):
        data, port = folder / "data", _free_port()
        making = [initdb, "-D", data, "-U", "airflow", "-A", "trust", "-E", "UTF8"]
        _run([*making, "--no-sync", "--locale=C.UTF-8"], user)
        options = ["-D", data, "-p", port, "-k", folder, "-h", "127.0.0.1"]
        options += [] if durable else ["-F"]
        connection = {"conn_type": "postgres", "schema": "postgres"}
        with _running(folder, user, port, connection, [server, *options]) as database:
            yield database


@contextmanager
def mariadb(*, durable: bool = False) -> Iterator[LocalDatabase]:
    """Run a MariaDB.

    :param durable: as above.
    :raises NotInstalled: when it is not on this machine.
    """
    server = program("mariadbd", _SBIN)
    install = program("mariadb-install-db", _SBIN)
    with _folder("mysql") as (folder, user):
        data, port, socket_ = folder / "data", _free_port(), folder / "socket"
        start = folder / "start.sql"
        start.write_text(
            "CREATE USER airflow@'127.0.0.1' IDENTIFIED BY '';\n"
            "GRANT ALL ON *.* TO airflow@'127.0.0.1' WITH GRANT OPTION;\n"
            "CREATE DATABASE journal;\n"
        )
        start.chmod(0o644)
        _run([install, "--no-defaults", f"--datadir={data}"], user)
        options = ["--no-defaults", f"--datadir={data}", f"--socket={socket_}"]
        options += [f"--port={port}", "--bind-address=127.0.0.1"]
        flush = 1 if durable else 2
        options += [f"--innodb-flush-log-at-trx-commit={flush}", "--skip-name-resolve"]
        first = subprocess.run(
            [server, *options, "--bootstrap"],
            input=f"FLUSH PRIVILEGES;\n{start.read_text()}".encode(),
            check=False,
            capture_output=True,
            user=user,
        )
        if first.returncode:
            raise RuntimeError(first.stderr.decode(errors="replace")[-2000:])
        connection = {"conn_type": "mysql", "schema": "journal"}
        with _running(folder, user, port, connection, [server, *options]) as database:
            yield database


@contextmanager
def redis() -> Iterator[LocalDatabase]:
    """Run a Redis, which forgets all when it is stopped.

    :raises NotInstalled: when it is not on this machine.
    """
    server = program("redis-server", _SBIN)
    with _folder("redis") as (folder, user):
        port = _free_port()
        options = ["--port", port, "--bind", "127.0.0.1", "--dir", folder]
        command = [server, *options, "--save", "", "--appendonly", "no"]
        connection = {"conn_type": "redis", "login": ""}
        with _running(folder, user, port, connection, command) as database:
            # It has no word for SIGQUIT, which whoever runs in the background ignores.
            database.stopped_by = signal.SIGTERM
            yield database


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, str | None]]:
    """Make a folder, and tell who runs the server: neither of them runs as root."""
    folder = Path(tempfile.mkdtemp(prefix=f"codat-{user}-"))
    try:
        if os.geteuid():
            yield folder, None
            return
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(
    folder: Path,
    user: str | None,
    port: int,
    connection: dict[str, Any],
    command: Sequence[object],
) -> Iterator[LocalDatabase]:
    place = {"host": "127.0.0.1", "port": port, "login": "airflow", **connection}
    database = LocalDatabase(place, folder, [*map(str, command)], user)
    try:
        database.start()
        yield database
    finally:
        database.kill(database.stopped_by)


def _run(command: Sequence[object], user: str | None) -> None:
    done = subprocess.run(
        [*map(str, command)],
        check=False,
        user=user,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        raise RuntimeError(done.stdout.decode(errors="replace")[-2000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
