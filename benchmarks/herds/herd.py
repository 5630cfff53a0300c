"""Starts a herd of cold processes, lets them go at once, and times them."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from .programs import Server
from .server import REFRESH_TOKEN, VALID_TOKEN

#: What a token request takes, in seconds.
LATENCY = 0.2

#: No herd takes as long, in seconds.
_LONGEST = 120.0

_WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients/worker.py")


@dataclass(frozen=True)
class Shape:
    """How many processes there are, and how many threads each of them has."""

    processes: int
    threads: int

    @classmethod
    def parse(cls, text: str) -> Shape:
        """Read ``64x1``."""
        processes, _, threads = text.partition("x")
        return cls(int(processes), int(threads))

    def __str__(self) -> str:
        return f"{self.processes}x{self.threads}"


@dataclass(frozen=True)
class Way:
    """One way of using a peer.

    :param python: The interpreter of the environment that has the peer.
    :param peer: The name of a module ``clients/use_<peer>.py``.
    :param store: ``memory``, ``file`` or ``redis``.
    :param path: A folder that goes before that environment's packages.
    """

    name: str
    python: str
    peer: str
    store: str
    path: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What one herd did.

    :param wall: Seconds from the gate's opening to the last process's end.
    :param why: The first failure's text.
    """

    wall: float
    token_requests: int
    failed: int
    prompts: int
    why: str


@dataclass(frozen=True)
class Field:
    """Where herds run.

    :param redis_port: ``None`` if there is no Redis.
    :param folder: Keeps the files that herds find, of which each gets a copy.
    """

    server: Server
    redis_port: int | None
    folder: str

    def run(self, way: Way, mode: str, shape: Shape) -> Outcome:
        """Run one herd.

        :param mode: ``valid``, ``rotate`` or ``sign-on``: what it finds.
        :raises RuntimeError: A process ended before its time.
        """
        with tempfile.TemporaryDirectory() as folder:
            order = {
                "peer": way.peer,
                "store": way.store,
                "mode": mode,
                "threads": shape.threads,
                "base": self.server.base,
                "url": f"{self.server.base}/open/v1/project",
                "path": os.path.join(folder, "token.json"),
                "key": os.path.basename(folder),
                "redis_port": self.redis_port,
                "valid_token": VALID_TOKEN,
                "refresh_token": REFRESH_TOKEN,
            }
            self._prepare(way, order, folder)
            self.server.reset(LATENCY)
            with _herd(way, order, shape.processes) as (gate, reports):
                opened = time.monotonic()
                gate.close()
                ends = [next(reports) for _ in range(shape.processes)]
            return Outcome(
                max(end["ended"] for end in ends) - opened,
                self.server.token_requests(),
                sum(end["failed"] for end in ends),
                sum(end["prompts"] for end in ends),
                next((end["why"] for end in ends if end["why"]), ""),
            )

    def _prepare(self, way: Way, order: dict[str, Any], folder: str) -> None:
        """Put into the store what the herd is to find."""
        if way.store == "memory":
            return
        names = str(abs(hash(way))), order["mode"]
        original = os.path.join(self.folder, *names)
        if way.store == "redis":
            _call(way, order)
            return
        if not os.path.exists(original):
            os.makedirs(original)
            path = os.path.join(original, "token.json")
            _call(way, order | {"path": path})
        shutil.copytree(original, folder, dirs_exist_ok=True)


def environment(way: Way) -> dict[str, str]:
    """Return the variables that a process of a herd has."""
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return env | ({} if way.path is None else {"PYTHONPATH": way.path})


def _call(way: Way, order: dict[str, Any]) -> None:
    program = _program(way, order | {"prepare": True})
    subprocess.run(program, env=environment(way), check=True)


def _program(way: Way, order: dict[str, Any]) -> list[str]:
    return [way.python, _WORKER, json.dumps(order)]


@contextlib.contextmanager
def _herd(
    way: Way, order: dict[str, Any], size: int
) -> Iterator[tuple[IO[bytes], Iterator[dict[str, Any]]]]:
    """Start processes, wait until all are at the gate, and yield it.

    None is left at the end, whatever happened.
    """
    with contextlib.ExitStack() as stack:
        closed_end, gate = _pipe(stack)
        reading_end, writing_end = _pipe(stack)
        errors = stack.enter_context(tempfile.TemporaryFile())
        reports = _lines(reading_end, errors)
        program, env = _program(way, order), environment(way)
        for _ in range(size):
            process = subprocess.Popen(
                program, stdin=closed_end, stdout=writing_end, stderr=errors, env=env
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        writing_end.close()
        for _ in range(size):
            next(reports)
        yield gate, reports


def _pipe(stack: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    reading, writing = os.pipe()
    return (
        stack.enter_context(open(reading, "rb", buffering=0)),
        stack.enter_context(open(writing, "wb", buffering=0)),
    )


def _lines(pipe: IO[bytes], errors: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield what the processes report, until they end."""
    deadline, rest = time.monotonic() + _LONGEST, b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            read = pipe.read(65536) if ready else b""
            if not read:
                errors.seek(0)
                raise RuntimeError(
                    "A process of a herd ended too early, or none reported for "
                    f"{_LONGEST:g} s: {errors.read()[-2000:].decode()}"
                )
            *lines, rest = (rest + read).split(b"\n")
            yield from map(json.loads, lines)
