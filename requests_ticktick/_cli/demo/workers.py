"""The demo's parallel processes: each is a program that shares a token file.

:func:`run_workers` starts them; :func:`work` is what each of them does.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module

import requests

from ..._auth import TickTickAuth
from ..._named import sandbox_service
from ...sandbox import SandboxSignOn
from ...stores import FileStore
from ..account import new_session, projects_url

_WORK = "from requests_ticktick._cli.demo.workers import work; work()"

#: Nothing that a worker does takes nearly as long.
TIMEOUT_SECONDS = 60.0


class WorkerError(Exception):
    """A process failed. The message says what it printed last."""


def run_workers(
    number: int, base: str, env: Mapping[str, str], *, folder: str
) -> list[str]:
    """Let so many processes make one call each, all at the same moment.

    :param base: The sandbox's address.
    :param env: The variables that configure them, beside this process's own.
    :param folder: Their working directory.
    :returns: The fingerprints of the tokens that they used.
    :raises WorkerError: One of them failed.
    """
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(_started(base, env, folder)) for _ in range(number)
        ]
        # A process takes longer to import its libraries than to sign on.
        # Without a common start, the first would have a token before the last
        # needed one.
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.readline()
        for worker in workers:
            _tell_to_begin(worker)
        return [_fingerprint(worker) for worker in workers]


@contextlib.contextmanager
def _started(
    base: str, env: Mapping[str, str], folder: str
) -> Iterator[subprocess.Popen[str]]:
    paths = [os.path.abspath(path) for path in sys.path]
    worker = subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, "-c", _WORK, base],
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


def _tell_to_begin(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    # If the process has died, reading its answer says why.
    with contextlib.suppress(OSError):
        worker.stdin.write("\n")
        worker.stdin.flush()


def _fingerprint(worker: subprocess.Popen[str]) -> str:
    try:
        output, errors = worker.communicate(timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise WorkerError(
            f"A process gave no answer in {TIMEOUT_SECONDS:g} s"
        ) from None
    try:
        answer = json.loads(output)
    except ValueError:
        answer = {"error": (errors.splitlines() or ["no answer"])[-1]}
    if "token" not in answer:
        raise WorkerError(f"A process failed: {answer['error']}")
    return str(answer["token"])


def work() -> None:
    """Call the API once; print the token's fingerprint, or the error, as JSON.

    This process has one argument, the sandbox's address. ``TICKTICK_*``
    variables configure the rest, as in any program. It begins at a line on
    standard input.
    """
    service = sandbox_service(sys.argv[1])
    with new_session(service) as session:
        session.auth = auth = TickTickAuth(
            store=FileStore(), sign_on=SandboxSignOn(), service=service
        )
        # These are imported late, and would have the processes begin apart.
        for name in ("..._source.taking_turns", "...stores._file_lock"):
            import_module(name, __package__)
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            session.get(projects_url(service), timeout=30).raise_for_status()
            answer = {"token": auth.token().fingerprint}
        except requests.RequestException as error:
            answer = {"error": str(error)}
    print(json.dumps(answer))
