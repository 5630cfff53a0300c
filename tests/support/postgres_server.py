"""A real PostgreSQL on a loopback port, which a test starts, stops and stalls."""

from __future__ import annotations

import contextlib
import glob
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg
from ports import free_port

#: Without durability, which no test is about, it starts and commits faster.
OPTIONS = ["-F", "-c", "unix_socket_directories=", "-c", "full_page_writes=off"]


def folder_of_commands():
    """Where PostgreSQL's own commands are; Debian keeps them from the PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return os.path.dirname(os.path.realpath(found))
    found = glob.glob("/usr/lib/postgresql/*/bin")
    return max(found, key=lambda path: float(path.split("/")[-2]), default=None)


class PostgresServer:
    """A server of its own.

    :param commands: The folder of ``initdb`` and ``postgres``.
    """

    def __init__(self, commands):
        self._commands = commands
        # It is to be another user's than root, who has to reach its folder.
        self._folder = tempfile.mkdtemp(prefix="pg-", dir="/tmp")
        self._as_user = {"cwd": self._folder}
        if os.geteuid() == 0:
            users = {user.pw_name: user for user in pwd.getpwall()}
            user = users.get("postgres", users["nobody"])
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._as_user |= {"user": user.pw_uid, "group": user.pw_gid}
            self._as_user["extra_groups"] = []
        self._data = os.path.join(self._folder, "data")
        self._numbers = itertools.count()
        self._process = None
        self.port = free_port()
        how = ["-A", "trust", "-U", "owner", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", *how, "-D", self._data)

    def _run(self, command, *options):
        path = os.path.join(self._commands, command)
        done = subprocess.run(
            [path, *options], capture_output=True, text=True, **self._as_user
        )
        assert done.returncode == 0, done.stderr

    def start(self):
        """Start it, and return when it lets us in."""
        if self._process is not None and self._process.poll() is None:
            return self
        self._process = subprocess.Popen(
            [
                *(os.path.join(self._commands, "postgres"), "-D", self._data),
                *("-h", "127.0.0.1", "-p", str(self.port), *OPTIONS),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as_user,
        )
        deadline = time.monotonic() + 60
        while True:
            assert self._process.poll() is None, "postgres has ended"
            assert time.monotonic() < deadline, "postgres is not ready"
            with contextlib.suppress(psycopg.OperationalError):
                self.execute("SELECT 1")
                return self
            time.sleep(0.01)

    def kill(self):
        """End it at once: nobody listens, and all connections break."""
        self._process.send_signal(signal.SIGQUIT)  # SIGKILL would leave its children
        self._process.wait(60)

    def restart(self):
        """End it at once, and start it again at the same port."""
        self.kill()
        self.start()

    @contextlib.contextmanager
    def down(self):
        """Have nobody listen for a while."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def close(self):
        """End it, and remove all that it has written."""
        self.kill()
        shutil.rmtree(self._folder)

    def execute(self, *statements, user="owner"):
        """Run some SQL, and return the rows of the last statement."""
        where = f"host=127.0.0.1 port={self.port} user={user} dbname=postgres"
        with psycopg.connect(where, autocommit=True, connect_timeout=30) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def new_user(self):
        """Return the name of a user with an empty schema; PostgreSQL looks there.

        A database of its own would take longer, and thirty times the room.
        """
        name = f"user_{next(self._numbers)}"
        self.execute(
            f"CREATE ROLE {name} LOGIN", f"CREATE SCHEMA {name} AUTHORIZATION {name}"
        )
        return name

    def new_guest(self, user):
        """Return the name of another user, who may look into a user's schema."""
        guest = f"guest_{next(self._numbers)}"
        self.execute(
            f"CREATE ROLE {guest} LOGIN",
            f"ALTER ROLE {guest} SET search_path = {user}",
            f"GRANT USAGE ON SCHEMA {user} TO {guest}",
        )
        return guest

    def url(self, user, *, driver="psycopg"):
        """Return a URL of SQLAlchemy's."""
        return f"postgresql+{driver}://{user}@127.0.0.1:{self.port}/postgres"
