"""Processes that are started, forked and killed, and what is lost by it."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time

import pytest
import workers
from clients import client_of

from requests_ticktick import Token

PROJECT = "/open/v1/project"


def start(context, target, *args):
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(*args, theirs), daemon=True)
    process.start()
    assert ours.poll(60)
    return process, ours, ours.recv()


def kill_writers(target, args, check, times):
    """Kill writers at random points; return how often the check failed."""
    fork = multiprocessing.get_context("fork")
    failures = 0
    for n in range(times):
        process, _, _ = start(fork, target, *args)
        # Anywhere in a write of about half a millisecond, or before it.
        time.sleep((n * 7919 % 1000) / 1_000_000 * 5)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        failures += not check()
    return failures


def kills_while_saving(store, times):
    tokens = [Token("a" * 2000), Token("b" * 3000)]
    store.save(tokens[0])
    failures = kill_writers(
        workers.write_for_ever, (store, tokens), lambda: store.load() in tokens, times
    )
    leftovers = [n for n in os.listdir(os.path.dirname(store.path)) if ".corrupt" in n]
    return failures + len(leftovers)


def kills_while_renewing(sandbox, store, times):
    sandbox.refresh_tokens = True
    auth = client_of(sandbox, store)
    auth.token()

    def works():
        # Saved before the lock was released, or it never was renewed: a
        # token that the server has rotated and nobody saved costs a sign-on.
        return store.load() is not None and client_of(sandbox, store).token()

    return kill_writers(workers.renew_for_ever, (auth,), works, times)


def torn_reads(store, writers, readers, reads):
    """Count what readers saw that nobody wrote, at full speed."""
    fork = multiprocessing.get_context("fork")
    tokens = [Token(f"{n}" * 4000) for n in range(writers)]
    store.save(tokens[0])
    stop, torn = fork.Event(), fork.Value("i", 0)

    def write(token):
        while not stop.is_set():
            for _ in range(20):
                store.save(token)

    def read():
        for _ in range(reads):
            if store.load() not in tokens:
                with torn.get_lock():
                    torn.value += 1

    writing = [fork.Process(target=write, args=(token,)) for token in tokens]
    reading = [fork.Process(target=read) for _ in range(readers)]
    for process in (*writing, *reading):
        process.start()
    for process in reading:
        process.join()
    stop.set()
    for process in writing:
        process.join(60)
        assert process.exitcode == 0
    return torn.value


def run_in_a_fork(work, seconds=20):
    """Fork, and return what the child's work returned."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.write(writing, json.dumps(work()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    deadline = time.monotonic() + seconds
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            pytest.fail("the child hangs")
        time.sleep(0.01)
    with os.fdopen(reading, "rb") as pipe:
        return json.loads(pipe.read() or b"null")


class InAnotherThread:
    """Enter a context in another thread, and leave it there as well."""

    def __init__(self, manager):
        self._manager = manager
        self._entered, self._leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        with self._manager:
            self._entered.set()
            self._leave.wait(60)

    def __enter__(self):
        self._thread.start()
        assert self._entered.wait(30)

    def __exit__(self, *_):
        self._leave.set()
        self._thread.join()
