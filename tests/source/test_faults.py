"""On the worst day: no lost token, no second prompt, no hang, a clear error."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import requests
from clients import ANSWERS, Person, client_of
from disks import fill
from raw_server import RawServer

from requests_ticktick import (
    FileStore,
    MemoryStore,
    Service,
    SignOnRequiredError,
    TokenEndpointError,
    TokenStoreError,
    refuse,
)
from requests_ticktick._grant import token_endpoint
from requests_ticktick._source.saving import SAVE_AGAIN_AFTER

PROJECT = "/open/v1/project"


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "t.json")


@pytest.fixture
def person(sandbox):
    return Person(sandbox)


@pytest.fixture
def aged(sandbox, store, clock, person):
    """A client whose token has expired, and can be refreshed."""
    sandbox.refresh_tokens, sandbox.expires_in = True, 3600
    auth = client_of(sandbox, store, clock=clock, sign_on=person)
    auth.token()
    clock.advance(3601)
    return auth


# -- the token endpoint ------------------------------------------------------------


@pytest.mark.parametrize("case", ANSWERS)
def test_a_refresh_that_fails_loses_nothing(sandbox, store, person, aged, case):
    """The old refresh token stays on the disk, and works when all is well."""
    before = store.load()
    answer = ANSWERS[case]
    sandbox.fail(1, *answer)

    with pytest.raises(TokenEndpointError) as caught:
        aged.token()

    assert caught.value.status_code == answer[0]
    assert store.load() == before
    # After a 429, requests pause; who asks by name does not.
    assert aged.sign_on().refresh_token != before.refresh_token
    assert person.asked == 1


def test_a_token_endpoint_that_is_down_loses_nothing(sandbox, store, person, aged):
    """Refused connections are tried again, then told; nobody is asked."""
    before = store.load()
    sandbox.stop()
    with pytest.raises(TokenEndpointError, match="No response"):
        aged.token()
    assert store.load() == before

    sandbox.start()

    assert aged.token()
    assert person.asked == 1


def test_a_token_endpoint_that_is_slow_loses_nothing(
    sandbox, store, person, aged, monkeypatch
):
    """The wait has an end; the refresh token was not used up by it."""
    before = store.load()
    sandbox.delay(60)
    with monkeypatch.context() as patched:
        patched.setattr(token_endpoint, "TIMEOUT", (5.0, 0.2))
        with pytest.raises(TokenEndpointError, match="No response"):
            aged.token()
    assert store.load() == before

    sandbox.delay(0)

    assert aged.token()
    assert person.asked == 1


def test_a_token_endpoint_that_drips_loses_nothing(
    sandbox, store, person, aged, monkeypatch
):
    """A byte now and then is no answer; the refresh token was not used up by it."""
    before = store.load()

    def drip(connection, _):
        while not server.closed.wait(0.05):
            connection.sendall(b" ")

    monkeypatch.setattr(token_endpoint, "DEADLINE", 0.5)
    with RawServer(drip) as server:
        service = Service(
            sandbox.service.authorization_endpoint,
            server.url("/t"),
            sandbox.service.api_origins,
        )
        elsewhere = client_of(sandbox, MemoryStore(before), service=service)
        with pytest.raises(TokenEndpointError, match="in time"):
            elsewhere.source.token(instead_of=before)

    assert store.load() == before
    assert aged.token().refresh_token != before.refresh_token
    assert person.asked == 1


# -- the disk ----------------------------------------------------------------------


@pytest.fixture
def small_disk(disk):
    """A real file system of 64 KiB."""
    return disk()


def renew_on_a_full_disk(sandbox, folder, times):
    """Return the tokens, of which none but the first can be saved.

    A person is asked for the second: the first one's refresh token is on the
    disk, where another process may find it.
    """
    store = FileStore(folder / "t.json")
    sandbox.refresh_tokens = True
    auth = client_of(sandbox, store)
    tokens = [auth.token()]
    fill(folder)
    for _ in range(times):
        tokens.append(auth.source.token(instead_of=tokens[-1]))
    assert store.load() == tokens[0]
    assert ".tmp" not in " ".join(os.listdir(folder))
    return tokens


def test_a_disk_that_is_full_costs_one_warning(sandbox, small_disk, caplog):
    """The old token stays whole, the new one works from memory."""
    tokens = renew_on_a_full_disk(sandbox, small_disk, 2)

    assert len({token.fingerprint for token in tokens}) == 3
    assert sandbox.reuse_detected == 0
    assert sandbox.sign_ons == 2
    warnings = [r for r in caplog.records if r.levelname == "WARNING"]
    assert ["No space left" in r.getMessage() for r in warnings] == [True]


def test_a_disk_with_room_again_gets_the_token(sandbox, small_disk, clock):
    """A minute later, and another process needs no sign-on any more."""
    sandbox.refresh_tokens = True
    store = FileStore(small_disk / "t.json")
    auth = client_of(sandbox, store, clock=clock)
    first = auth.token()
    fill(small_disk)
    second = auth.source.token(instead_of=first)
    (small_disk / "ballast").unlink()
    assert store.load() == first

    clock.advance(SAVE_AGAIN_AFTER + 1)
    auth.token()

    assert store.load() == second
    assert client_of(sandbox, store, clock=clock, sign_on=refuse).token() == second
    assert (sandbox.sign_ons, sandbox.reuse_detected) == (2, 0)


@pytest.mark.stress
def test_a_disk_that_stays_full_loses_no_token(sandbox, small_disk, tally):
    """As often as the token is renewed there."""
    with tally("renewals on a full disk", 300) as row:
        tokens = renew_on_a_full_disk(sandbox, small_disk, 300)

        row.lost = 301 - len({token.fingerprint for token in tokens})
        row.duplicated = sandbox.reuse_detected + sandbox.sign_ons - 2


@pytest.fixture
def locked_folder(tmp_path):
    """A folder that nothing can be written to; also not by root."""
    folder = tmp_path / "locked"
    folder.mkdir()
    yield folder
    unlock_folder(folder)


def unlock_folder(folder):
    if os.geteuid() == 0:
        subprocess.run(["chattr", "-i", str(folder)], capture_output=True)
    folder.chmod(0o700)


def lock_folder(folder):
    if os.geteuid() != 0:
        folder.chmod(0o500)
    elif subprocess.run(["chattr", "+i", str(folder)], capture_output=True).returncode:
        pytest.skip("root writes everywhere on this file system")


def test_a_permission_lost_on_the_way_costs_no_refresh_token(
    sandbox, locked_folder, caplog
):
    """What was saved stays good; what cannot be saved works from memory."""
    store = FileStore(locked_folder / "t.json")
    sandbox.refresh_tokens = True
    auth = client_of(sandbox, store)
    first = auth.token()
    lock_folder(locked_folder)

    second = auth.source.token(instead_of=first)

    assert auth.token() is second
    assert store.load() == first
    assert "from memory" in caplog.text
    unlock_folder(locked_folder)
    late = client_of(sandbox, FileStore(store.path), sign_on=refuse)
    assert late.source.token(instead_of=first) not in (first, second)
    assert (sandbox.sign_ons, sandbox.reuse_detected) == (2, 0)


def test_a_file_that_becomes_unreadable_is_named(sandbox, store, caplog):
    """The token in memory goes on; a new process is told where to look."""
    auth = client_of(sandbox, store)
    first = auth.token()
    os.unlink(store.path)
    os.mkdir(store.path)

    assert auth.token() is first
    with pytest.raises(TokenStoreError, match="Cannot read") as caught:
        client_of(sandbox, store).token()
    assert caught.value.location == store.path
    assert caplog.text.count("WARNING") == 0


# -- nobody there ------------------------------------------------------------------


def test_a_worker_without_a_person_fails_at_once(sandbox, store):
    """It waits for no lock, and names the command to run."""
    with pytest.raises(SignOnRequiredError, match="requests-ticktick login"):
        requests.get(
            sandbox.url(PROJECT), auth=client_of(sandbox, store, sign_on=refuse)
        )
    assert sandbox.received == []


def test_a_script_in_a_terminal_less_process_fails_at_once(sandbox, tmp_path):
    """No input() that ends in EOFError, no browser that nobody sees."""
    script = f"""
import requests
from requests_ticktick import Service, TickTickAuth
base = {sandbox.url("")!r}
service = Service(base + "/oauth/authorize", base + "/oauth/token", base)
try:
    requests.get(base + "/open/v1/project", auth=TickTickAuth(service=service))
except requests.RequestException as error:
    print(type(error).__name__, error)
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={
            **os.environ,
            "TICKTICK_CLIENT_ID": sandbox.client_id,
            "TICKTICK_CLIENT_SECRET": sandbox.client_secret,
        },
    )

    assert result.stdout.startswith("SignOnRequiredError")
    assert "requests-ticktick login" in result.stdout
    assert result.stderr == ""
