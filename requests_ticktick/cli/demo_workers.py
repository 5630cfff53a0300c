"""The demo's parallel processes, seen from the one that starts them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

_WORKER = "from requests_ticktick.cli.demo_worker import main; main()"

#: Nothing that a worker does takes nearly as long.
_SECONDS = 60.0


def run_workers(
    number: int, base: str, env: Mapping[str, str], *, folder: str
) -> list[str]:
    """Let so many processes make one call each, all at the same moment.

    :param base: The sandbox's address.
    :param env: What configures them, besides this process's environment.
    :param folder: Where they run.
    :returns: The fingerprints of the tokens that they used.
    :raises WorkerError: One of them failed.
    """
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(_started(base, env, folder)) for _ in range(number)
        ]
        # To read its libraries takes a process longer than a sign-on: the
        # first would have a token before the last could want one.
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.readline()
        for worker in workers:
            _begin(worker)
        return [_answer(worker) for worker in workers]


class WorkerError(Exception):
    """A process failed; with what it said last."""


@contextlib.contextmanager
def _started(
    base: str, env: Mapping[str, str], folder: str
) -> Iterator[subprocess.Popen[str]]:
    paths = [os.path.abspath(path) for path in sys.path]
    worker = subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, "-c", _WORKER, base],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # They import what this process imports, installed or not.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **env},
        cwd=folder,
    )
    with worker:
        try:
            yield worker
        finally:
            worker.kill()


def _begin(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    with contextlib.suppress(OSError):  # gone already: its answer says why
        worker.stdin.write("\n")
        worker.stdin.flush()


def _answer(worker: subprocess.Popen[str]) -> str:
    try:
        output, errors = worker.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise WorkerError(f"A process gave no answer in {_SECONDS:g} s") from None
    try:
        answer = json.loads(output)
    except ValueError:
        answer = {"error": (errors.splitlines() or ["no answer"])[-1]}
    if "token" not in answer:
        raise WorkerError(f"A process failed: {answer['error']}")
    return str(answer["token"])
