"""How long a herd of processes waits behind a slow token endpoint."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import requests

from requests_ticktick import FileStore, TickTickAuth, Token
from requests_ticktick.sandbox import Sandbox

LATENCY = 0.2


def rows(rounds: int) -> Iterator[tuple[str, float, float, str]]:
    for processes, threads in ((16, 4), (64, 1)):
        size = f"{processes} processes x {threads}"
        waits, token_requests, failures = [], 0.0, 0.0
        for _ in range(rounds):
            valid, *_ = _run(processes, threads, expired=False)
            expired, asked, failed = _run(processes, threads, expired=True)
            waits.append((expired - valid) / LATENCY)
            token_requests = max(token_requests, asked)
            failures += failed
        yield f"{size}, expired token: token requests", token_requests, 1, " "
        yield f"{size}, expired token: failures", failures, 0, " "
        wait = statistics.median(waits)
        yield f"{size}: wait, over the endpoint's latency", wait, 1.3, "x"


def _run(processes: int, threads: int, *, expired: bool) -> tuple[float, int, int]:
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        store = FileStore(os.path.join(folder, "t.json"))
        auth = TickTickAuth(
            sandbox.client_id,
            sandbox.client_secret,
            sandbox.redirect_uri,
            store=store,
            service=sandbox.service,
            sign_on=sandbox.sign_on,
        )
        if expired:
            store.save(Token("expired", expires_at=1.0, scope="tasks:read tasks:write"))
        else:
            auth.token()
        before = sandbox.token_requests
        sandbox.delay(LATENCY)
        wall, failures = _herd(
            processes, threads, auth, sandbox.url("/open/v1/project")
        )
        return wall, sandbox.token_requests - before, failures


def _herd(processes: int, threads: int, auth: Any, url: str) -> tuple[float, int]:
    """Start them, let them go at one moment, wait for the last one."""
    # A clean process that has imported what a worker has at its start.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["requests_ticktick"])
    start, end = context.Barrier(processes + 1), context.Queue()
    workers = [
        context.Process(target=_work, args=(start, end, auth, url, threads))
        for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    start.wait(120)
    began = time.perf_counter()
    failures = sum(end.get(timeout=120) for _ in workers)
    wall = time.perf_counter() - began
    for worker in workers:
        worker.join()
    return wall, failures


def _work(start: Any, end: Any, auth: Any, url: str, threads: int) -> None:
    failures = []

    def call() -> None:
        try:
            with requests.Session() as session:
                session.auth = auth
                session.prepare_request(requests.Request("GET", url))
        except requests.RequestException as error:
            failures.append(error)

    pool = [threading.Thread(target=call) for _ in range(threads)]
    start.wait(120)
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    end.put(len(failures))
