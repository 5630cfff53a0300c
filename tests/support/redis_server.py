"""A real Redis on a loopback port, which a test starts, stops and stalls."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from types import SimpleNamespace

import redis
from ports import free_port
from redis.backoff import NoBackoff
from redis.retry import Retry

from requests_ticktick.stores import _redis_lock, _redis_outage


class RedisServer:
    """A server of its own, without persistence: a restart forgets all.

    :param command: The path of ``redis-server``.
    :param folder: Its working directory.
    :param options: Further command-line options.
    """

    def __init__(self, command, folder, *options):
        self._command = command
        self._folder = folder
        self._options = options
        self._process = None
        self._clients = []
        self.port = free_port()

    def start(self):
        """Start it, and return when it answers."""
        self._process = subprocess.Popen(
            [
                *(self._command, "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--save", "", "--appendonly", "no", "--unixsocket", ""),
                *("--dir", str(self._folder), *self._options),
            ],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, "redis-server has ended"
            assert time.monotonic() < deadline, "redis-server is not ready"
            time.sleep(0.005)
        return self

    def _answers(self):
        client = self._connection()
        try:
            return client.ping()
        except redis.AuthenticationError:
            return True
        except redis.ConnectionError:
            return False
        finally:
            client.connection_pool.disconnect()

    def kill(self):
        """Kill it: nothing listens any more, and all connections break."""
        self._process.kill()
        self._process.wait(30)

    def restart(self):
        """Kill it, and start it again at the same port, empty."""
        self.kill()
        self.start()

    @contextlib.contextmanager
    def away(self):
        """Close its port and all its connections; its memory stays."""
        client = self.client()
        client.config_set("bind", "127.0.0.9")
        client.client_kill_filter(_type="normal", skipme=True)
        try:
            yield
        finally:
            self.client(host="127.0.0.9").config_set("bind", "127.0.0.1")

    @contextlib.contextmanager
    def stalled(self):
        """Have it accept connections and answer nothing."""
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def close(self):
        """End it, and the clients that it was asked for."""
        for client in self._clients:
            client.connection_pool.disconnect()
        self.kill()

    def client(self, **options):
        """Return a client that waits for 10 s and tries nothing twice."""
        client = self._connection(**options)
        self._clients.append(client)
        return client

    def _connection(self, kind=redis.Redis, **options):
        return kind(
            **{
                "host": "127.0.0.1",
                "port": self.port,
                "socket_timeout": 10.0,
                "retry": Retry(NoBackoff(), 0),
                **options,
            }
        )


@contextlib.contextmanager
def kept_clients(module, monkeypatch):
    """Close the clients that a program makes and leaves to the collector."""
    made = []

    class Kept(module.Redis):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            made.append(self)

    monkeypatch.setattr(module, "Redis", Kept)
    yield
    for client in made:
        client.connection_pool.disconnect()


def renew_often(monkeypatch):
    """Have every lock renewed a hundred times as often as its time to live asks.

    So a test sees renewals at once, and a machine that stands still for
    seconds loses no lock.
    """

    class Hasty(threading.Event):
        def wait(self, timeout=None):
            return super().wait(timeout / 100)

    hasty = SimpleNamespace(Event=Hasty, Thread=threading.Thread)
    monkeypatch.setattr(_redis_lock, "threading", hasty)


class OutageClock:
    """The clock of outages, which stands still but for the sleeps of stores."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(_redis_outage, "time", self)

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Interrupted(redis.Redis):
    """A client that others are faster than, at one command."""

    command = "EVAL"
    #: What they do, one after the other, each before one such command.
    others = ()

    def execute_command(self, *args, **options):
        is_read = args[0] == "EVAL" and "pcall" in args[1]
        command = "read" if is_read else args[0]
        if command == self.command and self.others:
            self.others.pop(0)()
        return super().execute_command(*args, **options)


class Door:
    """A port in front of a server.

    :param server: Where it leads to; ``None``: callers are turned away.
    :param marker: The answer to what contains these bytes is lost, once, and
        the connection with it.
    """

    def __init__(self, server=None, marker=None):
        self.opened = 0
        self._server = server
        self._marker = marker
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self._server, self._marker = None, b""
        socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in self._threads:
            thread.join(30)
        self._listener.close()

    def _accept(self):
        while self._marker != b"":
            caller, _ = self._listener.accept()
            self.opened += 1
            if self._server is None:
                caller.close()
            else:
                thread = threading.Thread(target=self._pass, args=(caller,))
                thread.start()
                self._threads.append(thread)

    def _pass(self, caller):
        with caller, socket.create_connection(("127.0.0.1", self._server.port)) as it:
            while request := caller.recv(65536):
                it.sendall(request)
                answer = it.recv(65536)
                if self._marker is not None and self._marker in request:
                    self._marker = None
                    return
                caller.sendall(answer)


# -- What the processes of the tests do; importable, so that they can be spawned ------


def save_when_told(store, token, connection):
    """Take the lock, say so, and save a token when told to."""
    with store.lock(10):
        connection.send(os.getpid())
        connection.recv()
        store.save(token)
    connection.send("left")


class NeverAnswers:
    """A sign-on that says that it was asked, and waits for ever.

    :param connection: Where it sends its process id.
    """

    def __init__(self, connection):
        self._connection = connection

    def __call__(self, request):
        self._connection.send(os.getpid())
        self._connection.recv()


def ask(auth):
    """Ask for a token, of which nothing may come."""
    auth.token()
