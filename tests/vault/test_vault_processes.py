"""Many processes, many people, one vault: one sign-on for each person."""

from __future__ import annotations

import threading
import time

import pytest
import workers

from requests_ticktick.vault import TokenVault

METHOD = "forkserver"


@pytest.fixture
def options(options, sandbox):
    """A person is asked by whichever process is first."""
    return {**options, "sign_on": sandbox.sign_on}


@pytest.fixture
def url(postgres):
    return postgres.url(postgres.new_user())


def tokens_of(results, people):
    """Whose token each process has got, which has to be the same one."""
    assert [found for found in results if "error" in found] == []
    assert all(found == results[0] for found in results)
    assert len(set(results[0].values())) == people
    return results[0]


class Restarts:
    """Restarts a server each time that so many people have signed on."""

    def __init__(self, sandbox, server, after):
        self.done = 0
        self._sandbox, self._server, self._after = sandbox, server, list(after)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while self._after and not self._ended.wait(0.005):
            if self._sandbox.sign_ons >= self._after[0]:
                self._after.pop(0)
                self._server.restart()
                self.done += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._ended.set()
        self._thread.join()


@pytest.fixture
def redis(start_redis):
    """A Redis that remembers after a restart, as one that keeps locks should."""
    return start_redis("--appendonly", "yes", "--appendfsync", "always")


@pytest.mark.parametrize("kind", ["files", "sqlite", "postgresql", "redis"])
def test_each_person_signs_on_once_for_all_processes(
    sandbox, options, tmp_path, request, kind
):
    """Four processes, five people: the table is made, and nobody is asked twice."""
    if kind == "files":
        vault = TokenVault.files(tmp_path / "vault", **options)
    elif kind == "sqlite":
        vault = TokenVault.sql(f"sqlite:///{tmp_path}/vault.db", **options)
    elif kind == "redis":
        client = request.getfixturevalue("redis").client()
        vault = TokenVault.redis(client, **options)
    else:
        vault = TokenVault.sql(request.getfixturevalue("url"), **options)

    tokens_of(workers.crowd(METHOD, 4, vault, 5), 5)

    assert (sandbox.sign_ons, sandbox.token_requests) == (5, 5)
    assert len(list(vault)) == 5


@pytest.fixture(params=["postgresql", "redis"])
def served(request, options):
    """A vault on a server that can be restarted, and the server."""
    server = request.getfixturevalue(
        "postgres" if request.param == "postgresql" else "redis"
    )
    if request.param == "redis":
        return TokenVault.redis(server.client(), **options), server
    return TokenVault.sql(server.url(server.new_user()), **options), server


def test_each_person_signs_on_once_though_the_server_is_restarted(sandbox, served):
    """In the middle of somebody's sign-on, and again."""
    vault, server = served
    sandbox.delay(0.1)

    with Restarts(sandbox, server, after=(1, 3)) as restarts:
        tokens_of(workers.crowd(METHOD, 4, vault, 5), 5)

    assert restarts.done == 2
    assert (sandbox.sign_ons, sandbox.token_requests) == (5, 5)


@pytest.mark.stress
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("restarts_after", [(), (5, 15, 25, 35, 45)], ids=["", "down"])
def test_a_crowd_signs_on_once_a_person(sandbox, served, tally, restarts_after):
    """16 processes, 50 people, and a server that is restarted five times."""
    vault, server = served
    sandbox.delay(0.05)
    began = time.monotonic()
    kind = type(server).__name__.removesuffix("Server")
    case = f"16 x 50 people, {kind}, {len(restarts_after)} restarts"

    with tally(case, 800) as row:
        with Restarts(sandbox, server, restarts_after) as restarts:
            results = workers.crowd(METHOD, 16, vault, 50, seed=began)

        row.asked, row.requests = sandbox.sign_ons, sandbox.token_requests
        row.lost = 800 - sum(len(found) for found in results)
        row.duplicated = sandbox.sign_ons - 50
    tokens_of(results, 50)
    assert restarts.done == len(restarts_after)
    assert len(list(vault)) == 50
