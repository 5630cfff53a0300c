"""What the processes of the tests do; importable, so that they can be spawned."""

from __future__ import annotations

import multiprocessing
import os
import random
import threading

import requests

#: How a process can be started.
METHODS = ["fork", "spawn", "forkserver"]


def call(auth, url, threads=1):
    """Call the API from some threads; return the statuses and the tokens."""
    barrier = threading.Barrier(threads)
    results = []

    def run():
        barrier.wait()
        try:
            with requests.Session() as session:
                session.auth = auth
                response = session.get(url)
                results.append((response.status_code, auth.token().fingerprint))
        except requests.RequestException as error:
            results.append((type(error).__name__, str(error)))

    pool = [threading.Thread(target=run) for _ in range(threads)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    return results


def call_at(barrier, queue, auth, url, threads=1):
    """Wait for the others, then call; put the results into a queue."""
    barrier.wait(60)
    queue.put(call(auth, url, threads))


def herd(method, processes, threads, auth, url):
    """Let processes of some threads each call at one moment.

    :param method: How they are started: one of ``METHODS``.
    :returns: What each call came to, as :func:`call` says it.
    """
    context = multiprocessing.get_context(method)
    barrier, queue = context.Barrier(processes), context.Queue()
    members = [
        context.Process(target=call_at, args=(barrier, queue, auth, url, threads))
        for _ in range(processes)
    ]
    for member in members:
        member.start()
    results = [result for _ in members for result in queue.get(timeout=90)]
    for member in members:
        member.join(30)
        assert member.exitcode == 0
    return results


def hold(store, connection):
    """Take the store's lock, say so, and keep it until told otherwise."""
    with store.lock(10):
        connection.send(os.getpid())
        connection.recv()
    connection.send("released")


def write_for_ever(store, tokens, connection):
    """Save one token after the other, until killed."""
    connection.send("writing")
    while True:
        for token in tokens:
            store.save(token)


def renew_for_ever(auth, connection):
    """Renew one token after the other, until killed."""
    connection.send("renewing")
    while True:
        auth.source.token(instead_of=auth.token())


class Failing:
    """A sign-on that counts itself in a file, waits for another file, and fails.

    :param folder: Where ``asked`` grows by a line a call, and ``go`` is
        awaited.
    """

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, request):
        from requests_ticktick import AuthorizationDeniedError

        with (self.folder / "asked").open("a") as file:
            file.write(f"{os.getpid()}\n")
        event = threading.Event()
        while not (self.folder / "go").exists():
            event.wait(0.005)
        raise AuthorizationDeniedError("No, thanks.", error="access_denied")

    def asked(self):
        path = self.folder / "asked"
        return len(path.read_text().splitlines()) if path.exists() else 0


def token_of_each(barrier, queue, vault, keys):
    """Wait for the others, then get a token for each person; say what they are.

    A database that is away is tried again; nothing else is forgiven.
    """
    from requests_ticktick.stores._base import AwayError

    barrier.wait(120)
    found = {}
    try:
        for key in keys:
            while key not in found:
                try:
                    found[key] = vault.auth(key).token().fingerprint
                except AwayError:
                    threading.Event().wait(0.05)
    except requests.RequestException as error:
        found["error"] = f"{type(error).__name__}: {error}"
    queue.put(found)


def crowd(method, processes, vault, people, seed=0):
    """Let processes get a token for each of many people, each in its own order.

    :returns: For each process, the fingerprint of each person's token.
    """
    context = multiprocessing.get_context(method)
    barrier, queue = context.Barrier(processes), context.Queue()
    keys = [f"person-{number}" for number in range(people)]
    members = []
    for number in range(processes):
        order = random.Random(f"{seed} {number}").sample(keys, people)
        args = barrier, queue, vault, order
        members.append(context.Process(target=token_of_each, args=args))
    for member in members:
        member.start()
    results = [queue.get(timeout=600) for _ in members]
    for member in members:
        member.join(60)
        assert member.exitcode == 0
    return results
