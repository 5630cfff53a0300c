"""Sign-ons of many people: begun in one process or tab, completed in another."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time

import pytest
import requests
from cryptography.fernet import Fernet
from inside import begun_in_memory

from requests_ticktick import (
    AuthorizationDeniedError,
    MemoryStore,
    SignOnError,
    SignOnRequiredError,
    SignOnTimeoutError,
    StateMismatchError,
    Token,
    TokenEndpointError,
    TokenStoreError,
)
from requests_ticktick.stores._base import AwayError
from requests_ticktick.vault import TokenVault, _begun, _places

PROJECT = "/open/v1/project"


@pytest.fixture
def vault(tmp_path, options):
    return TokenVault.files(tmp_path / "vault", **options)


# -- in every kind of vault -----------------------------------------------------------


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_sign_on_begins_in_one_process_and_ends_in_another(sandbox, make, encrypted):
    """The second needs to know the key and the URL alone."""
    keys = [Fernet.generate_key()] if encrypted else None
    assert make(keys=keys).token("me") is None
    begun = make(keys=keys).begin_sign_on("me")
    redirected = sandbox.sign_on(begun)

    assert make(keys=keys).complete_sign_on("me", redirected) == "me"

    vault = make(keys=keys)
    response = requests.get(sandbox.url(PROJECT), auth=vault.auth("me"))
    assert response.status_code == 200
    assert vault.token("me") == vault["me"].load()
    assert vault.token("you") is None
    assert list(vault) == ["me"]


def test_a_person_may_begin_in_several_tabs(sandbox, make):
    """Each tab ends its own sign-on, in whatever order, and once."""
    vault = make()
    tabs = [sandbox.sign_on(vault.begin_sign_on("me")) for _ in range(3)]

    for redirected in reversed(tabs):
        assert vault.complete_sign_on("me", redirected) == "me"

    for redirected in tabs:
        with pytest.raises(StateMismatchError, match="There is no such sign-on"):
            make().complete_sign_on("me", redirected)
    assert sandbox.sign_ons == 3


def test_of_many_who_bring_the_same_url_one_completes_it(sandbox, make):
    """Such as a browser that loads the page twice."""
    redirected = sandbox.sign_on(make().begin_sign_on("me"))
    vaults = [make() for _ in range(8)]
    barrier, results = threading.Barrier(len(vaults)), []

    def complete(vault):
        barrier.wait(60)
        try:
            results.append(vault.complete_sign_on("me", redirected))
        except StateMismatchError:
            results.append(None)

    threads = [threading.Thread(target=complete, args=(vault,)) for vault in vaults]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(results, key=str) == [None] * 7 + ["me"]
    assert sandbox.token_requests == 1


def test_a_sign_on_is_completed_only_for_its_person(sandbox, make):
    """Who was sent another's link grants nothing, and takes nothing away."""
    vault = make()
    redirected = sandbox.sign_on(vault.begin_sign_on("Mallory"))

    with pytest.raises(StateMismatchError, match="does not belong"):
        vault.complete_sign_on("mallory", redirected)
    with pytest.raises(StateMismatchError, match="does not belong"):
        vault.complete_sign_on("victim", redirected)

    assert list(vault) == []
    assert vault.complete_sign_on("Mallory", redirected) == "Mallory"


@pytest.mark.parametrize("key", ["\ud83d\ude00", "\ud800", "a/b", "A"])
def test_a_bot_learns_whose_sign_on_it_was(sandbox, make, key):
    """It showed the URL to that person alone, and sees no session."""
    redirected = sandbox.sign_on(make().begin_sign_on(key))

    assert make().complete_sign_on(None, redirected) == key

    assert list(make()) == [key]


def test_a_pending_sign_on_expires(sandbox, make, monkeypatch):
    """And what nobody completed is gone after it."""
    now = 1_900_000_000.0
    clock = type("Clock", (), {"time": staticmethod(lambda: now)})
    monkeypatch.setattr(_begun, "time", clock)
    redirected = sandbox.sign_on(make().begin_sign_on("me"))
    now += 600

    with pytest.raises(StateMismatchError, match="over 600 s ago"):
        make().complete_sign_on("me", redirected)


def test_scopes_may_differ_by_person(sandbox, make):
    """They are asked for, kept with the sign-on, and the token is for them."""
    vault = make(scope="tasks:read")
    for key, scope in (("me", None), ("you", "tasks:read tasks:write")):
        redirected = sandbox.sign_on(vault.begin_sign_on(key, scope=scope))
        vault.complete_sign_on(key, redirected)

    assert vault.token("me").scopes == {"tasks:read"}
    assert vault.token("you", scope="tasks:write tasks:read").scopes == {
        "tasks:read",
        "tasks:write",
    }
    for act in (vault.begin_sign_on, vault.token):
        with pytest.raises(TokenStoreError, match="set of scopes"):
            act("you", scope="tasks:read")
    assert sandbox.sign_ons == 2


def test_waiting_ends_with_the_token(sandbox, make):
    """As an agent does, while the web application completes the sign-on."""
    agent, found = make(), []
    begun = agent.begin_sign_on("me")
    thread = threading.Thread(
        target=lambda: found.append(agent.wait_for_token("me", 60))
    )
    thread.start()

    make().complete_sign_on("me", sandbox.sign_on(begun))
    thread.join(60)

    assert found == [make()["me"].load()]


# -- what may go wrong ----------------------------------------------------------------


@pytest.mark.parametrize(
    "redirected",
    ["", "?", "?code=c", "?state=", "?state=s&state=s&code=c", "?state=\ud800&code=c"],
)
def test_a_url_that_nobody_began_is_refused(vault, redirected):
    """Such as one that a crawler made up."""
    with pytest.raises(SignOnError, match="begin the sign-on again"):
        vault.complete_sign_on("me", redirected)


def test_a_person_who_denies_access_may_begin_again(sandbox, vault):
    """That sign-on has ended."""
    sandbox.deny()
    redirected = sandbox.sign_on(vault.begin_sign_on("me"))

    with pytest.raises(AuthorizationDeniedError):
        vault.complete_sign_on("me", redirected)
    with pytest.raises(StateMismatchError):
        vault.complete_sign_on("me", redirected)

    vault.complete_sign_on("me", sandbox.sign_on(vault.begin_sign_on("me")))
    assert vault.token("me") is not None


def test_a_service_that_is_out_of_order_is_told(sandbox, vault):
    """And nothing is saved."""
    redirected = sandbox.sign_on(vault.begin_sign_on("me"))
    sandbox.fail(1, 503)

    with pytest.raises(TokenEndpointError):
        vault.complete_sign_on("me", redirected)

    assert "me" not in vault


def test_nobody_is_asked_without_credentials(tmp_path, options):
    """The error says what is missing; that there is no token is no error."""
    vault = TokenVault.files(tmp_path, **{**options, "client_id": None})

    assert vault.token("me") is None
    with pytest.raises(SignOnRequiredError, match="client_id"):
        vault.begin_sign_on("me")


def test_a_token_that_cannot_be_saved_is_an_error(sandbox, options):
    """In the memory of an auth that is gone, it would be lost without a word."""

    class Full(MemoryStore):
        def save(self, token):
            raise TokenStoreError("It is full.")

    vault = TokenVault(lambda name: Full(), **options)
    redirected = sandbox.sign_on(vault.begin_sign_on("me"))

    with pytest.raises(TokenStoreError, match="full"):
        vault.complete_sign_on("me", redirected)


def test_nobody_is_asked_for_a_token_that_cannot_be_saved(vault, tmp_path):
    """The store says so before."""
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "token-me.json").write_text("somebody else's notes")

    with pytest.raises(TokenStoreError, match="stays as it is"):
        vault.begin_sign_on("me")

    assert os.listdir(tmp_path / "vault") == ["token-me.json"]


def test_a_key_that_is_gone_is_told(sandbox, make):
    """For tokens and for sign-ons under way, and neither is overwritten."""
    old, new = Fernet.generate_key(), Fernet.generate_key()
    vault = make(keys=[old])
    vault.complete_sign_on("me", sandbox.sign_on(vault.begin_sign_on("me")))
    redirected = sandbox.sign_on(vault.begin_sign_on("you"))
    other = make(keys=[new])

    for act in (
        lambda: other.token("me"),
        lambda: other.begin_sign_on("me"),
        lambda: other.wait_for_token("me", 0),
        lambda: other.complete_sign_on("you", redirected),
    ):
        with pytest.raises(TokenStoreError, match="a key that is not among"):
            act()

    with pytest.raises(TokenStoreError, match="no key is given: pass keys="):
        make().complete_sign_on("you", redirected)
    assert make(keys=[new, old]).token("me") == vault.token("me")
    assert vault.token("me") is not None
    assert vault.complete_sign_on("you", redirected) == "you"


def test_a_sign_on_under_way_is_encrypted_as_well(sandbox, tmp_path, options, secrets):
    """It has what completes it."""
    vault = TokenVault.files(tmp_path, keys=[Fernet.generate_key()], **options)
    begun = vault.begin_sign_on("me")

    (path,) = (tmp_path / "sign-ons").iterdir()
    text = path.read_text() + path.name
    assert begun.state not in text
    assert begun.code_verifier not in text


def test_a_state_is_no_name_of_a_file(vault, tmp_path):
    """It is secret until the person is back; and anybody sends any."""
    begun = vault.begin_sign_on("me")

    (path,) = (tmp_path / "vault" / "sign-ons").iterdir()
    assert begun.state not in path.name
    assert json.loads(path.read_text())["name"] == "me"
    with pytest.raises(StateMismatchError):
        vault.complete_sign_on("me", "?code=c&state=../token-me.json")


def test_abandoned_sign_ons_are_removed_by_later_ones(tmp_path, options, monkeypatch):
    """Redis does so by itself."""
    files = TokenVault.files(tmp_path / "v", **options)
    rows = TokenVault.sql(f"sqlite:///{tmp_path}/v.db", **options)
    stores = {}
    own = TokenVault(lambda name: stores.setdefault(name, MemoryStore()), **options)
    for vault in (files, rows, own):
        vault.begin_sign_on("me")
    (old,) = (tmp_path / "v" / "sign-ons").iterdir()
    os.utime(old, (0, 0))
    (tmp_path / "v" / "sign-ons" / "broken").symlink_to("nowhere")
    with contextlib.closing(sqlite3.connect(tmp_path / "v.db")) as database, database:
        database.execute("UPDATE requests_ticktick_sign_ons SET until = 0")
    later = time.monotonic() + 601
    clock = type("Clock", (), {"monotonic": staticmethod(lambda: later)})
    monkeypatch.setattr(_places, "time", clock)

    for vault in (files, rows, own):
        vault.begin_sign_on("me")
        vault.begin_sign_on("me")

    left = os.listdir(tmp_path / "v" / "sign-ons")
    assert len(left) == 3
    assert old.name not in left
    with contextlib.closing(sqlite3.connect(tmp_path / "v.db")) as database:
        rows_left = database.execute("SELECT until FROM requests_ticktick_sign_ons")
        assert [until > 0 for (until,) in rows_left] == [True, True]
    assert len(begun_in_memory(own)) == 2


def test_a_vault_of_ones_own_stores_completes_in_the_same_process(sandbox, options):
    """It keeps what is under way in memory."""
    stores = {}
    vault = TokenVault(lambda name: stores.setdefault(name, MemoryStore()), **options)

    redirected = sandbox.sign_on(vault.begin_sign_on("me"))
    assert vault.complete_sign_on("me", redirected) == "me"

    assert vault.token("me") == stores["me"].load()
    with pytest.raises(StateMismatchError):
        vault.complete_sign_on("me", redirected)


def test_sign_ons_are_not_kept_where_others_could_replace_them(tmp_path, options):
    """As tokens are not."""
    vault = TokenVault.files(tmp_path / "vault", **options)
    folder = tmp_path / "vault" / "sign-ons"
    folder.mkdir(parents=True, mode=0o700)
    folder.chmod(0o777)

    with pytest.raises(TokenStoreError, match="chmod go-w"):
        vault.begin_sign_on("me")

    assert os.listdir(folder) == []


# -- waiting --------------------------------------------------------------------------


def test_waiting_times_out(vault):
    """The person may have closed the tab."""
    with pytest.raises(SignOnTimeoutError, match=r"within 0\.1 s"):
        vault.wait_for_token("me", 0.1)


def test_waiting_for_a_person_with_a_token_ends_at_once(sandbox, vault):
    """Unless it is the one that the API refuses."""
    vault.complete_sign_on("me", sandbox.sign_on(vault.begin_sign_on("me")))
    token = vault.wait_for_token("me", 0)

    assert token == vault["me"].load()
    with pytest.raises(SignOnTimeoutError):
        vault.wait_for_token("me", 0, instead_of=token)


def test_an_expired_token_does_not_end_the_wait(sandbox, vault):
    """The next one is."""
    old = Token("old", expires_at=1.0, scope="tasks:read tasks:write")
    vault["me"].save(old)
    with pytest.raises(SignOnTimeoutError):
        vault.wait_for_token("me", 0.2)

    vault.complete_sign_on("me", sandbox.sign_on(vault.begin_sign_on("me")))

    assert vault.wait_for_token("me", 0) == vault["me"].load() != old


def test_waiting_goes_on_through_an_outage(sandbox, options, postgres):
    """Unless it lasts: then it is the reason."""
    vault = TokenVault.sql(postgres.url(postgres.new_user()), **options)
    begun, found = vault.begin_sign_on("me"), []
    with postgres.down():
        with pytest.raises(AwayError):
            vault.wait_for_token("me", 0.1)
        thread = threading.Thread(
            target=lambda: found.append(vault.wait_for_token("me", 60))
        )
        thread.start()

    vault.complete_sign_on("me", sandbox.sign_on(begun))
    thread.join(60)

    assert found == [vault["me"].load()]
