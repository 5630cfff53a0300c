"""The tokens of many people: each in a place of their own, in every kind of vault."""

from __future__ import annotations

import os
import pickle
import stat

import pytest
import redis
from cryptography.fernet import Fernet
from outages import folder_in_place_of

from requests_ticktick import FileStore, MemoryStore, Token, TokenStoreError
from requests_ticktick.stores._base import AwayError
from requests_ticktick.testing import TokenStoreContract
from requests_ticktick.vault import TokenVault
from requests_ticktick.vault._names import key_of, name_of

#: Keys that are easily taken for each other, or for something else.
ODD = [
    "user-17",
    "User-17",
    "USER-17",
    "a/b",
    "a\\b",
    "a%2fb",
    "../../etc/passwd",
    "..",
    ".",
    "/",
    "\0",
    "a\0",
    "a",
    "a:lock",
    "a.json.lock",
    "con",
    "nul.txt",
    " a",
    "a ",
    "*",
    "é",
    "e\u0301",
    "ß",
    "ss",
    "SS",
    "\u212a",  # the Kelvin sign, a "k" to those who fold case
    "k",
    "\ud800",
    "\ud83d\ude00",
    "\U0001f600",
    "me@example.com",
    "auth0|507f1f77bcf86cd799439011",
    "'; DROP TABLE requests_ticktick; --",
]


@pytest.fixture
def make(open_vault):
    """Open a vault in which nobody signs on."""
    return open_vault


class TestStoreOfAVault(TokenStoreContract):
    """What a vault makes is a store as any other; and encrypted, as well."""

    @pytest.fixture(params=[False, True], ids=["plain", "encrypted"])
    def store(self, request, tmp_path):
        keys = [Fernet.generate_key()] if request.param else None
        self.path = tmp_path / "vault" / "token-me.json"
        return TokenVault.files(tmp_path / "vault", keys=keys)["me"]

    def corrupt(self, store):
        self.path.write_text('{"access_token": "half')

    def outage(self, store):
        return folder_in_place_of(self.path)


@pytest.mark.parametrize("encrypted", [False, True])
def test_no_two_keys_share_a_store(make, encrypted):
    """Whatever the user ids of an application are."""
    vault = make(keys=[Fernet.generate_key()] if encrypted else None)

    for number, key in enumerate(ODD):
        assert key not in vault
        vault[key].save(Token(f"t{number}"))

    for number, key in enumerate(ODD):
        assert vault[key].load() == Token(f"t{number}")
        assert key in vault
    assert sorted(vault) == sorted(ODD)
    for key in ODD:
        with vault[key].lock(0):
            vault[key].record_failure(key.encode("utf-8", "backslashreplace").hex())
        del vault[key]
        del vault[key]  # the second time, nothing happens
    assert list(vault) == []


def test_the_names_made_of_keys_are_valid_file_names_everywhere():
    """ASCII without capitals, so that no file system takes two for one."""
    names = [name_of(key) for key in ODD]

    assert [key_of(name) for name in names] == ODD
    assert len({name.casefold() for name in names}) == len(ODD)
    for name in names:
        assert name.isascii()
        assert name == name.lower()
        assert not set(name) & set("/\\:*?\"<>|\0 '")


@pytest.mark.parametrize(
    "key",
    [
        *("", "a" * 161, "A" * 54, "\u4e2d" * 18),
        # pytest puts the name of a test into the environment.
        pytest.param("x" * 10**6, id="a million"),
    ],
)
def test_a_key_that_can_have_no_name_is_refused(make, key):
    """In each kind of vault, so that one can be moved to another."""
    vault = make()

    for act in (vault.__getitem__, vault.auth, vault.begin_sign_on, vault.token):
        with pytest.raises(TokenStoreError, match="no place for a key of") as caught:
            act(key)
        assert len(str(caught.value)) < 300
    vault["a" * 160].save(Token("longest"))
    assert list(vault) == ["a" * 160]


@pytest.mark.parametrize("key", [17, None, b"user-17", ("a",)])
def test_a_key_is_a_string(make, key):
    """The id of a Django user is a number."""
    vault = make()

    with pytest.raises(TypeError, match=r"use str\(\.\.\.\)"):
        vault[key]


def test_a_vault_travels_to_another_process(make):
    """With its keys, and without its connections."""
    vault = make(keys=[Fernet.generate_key()], scope="tasks:read")
    vault["me"].save(Token("t"))

    copy = pickle.loads(pickle.dumps(vault))

    assert copy["me"].load() == Token("t")
    assert list(copy) == ["me"]


def test_options_are_checked_when_the_vault_is_made(make):
    """They are those of each person's auth."""
    with pytest.raises(TypeError, match="colour"):
        make(colour="blue")
    with pytest.raises(ValueError, match="leeway"):
        make(leeway=-1)
    with pytest.raises(ValueError, match="Fernet"):
        make(keys=[])


def test_deleting_waits_for_a_renewal_and_not_for_ever(make, monkeypatch):
    """Whoever holds the lock may save a token afterwards."""
    monkeypatch.setattr("requests_ticktick.vault._shelf.DELETE_AFTER", 0.1)
    vault = make()
    vault["me"].save(Token("t"))

    with vault["me"].lock(0):
        del vault["me"]

    assert "me" not in vault


def test_each_kind_of_vault_says_where_it_is(tmp_path, start_redis):
    """And shows no password."""
    client = start_redis().client()
    vaults = [
        TokenVault.files(tmp_path),
        TokenVault.redis(client, "mine"),
        TokenVault.sql("postgresql://u:p4ssword@h/d"),
        TokenVault(lambda name: MemoryStore()),
    ]

    assert [repr(vault) for vault in vaults] == [
        f"<TokenVault {tmp_path}>",
        "<TokenVault mine:* in Redis>",
        "<TokenVault '*' in requests_ticktick of postgresql://u@h/d>",
        "<TokenVault of your own stores>",
    ]


# -- stores of one's own --------------------------------------------------------------


def test_a_vault_of_ones_own_stores_passes_them_safe_names(tmp_path):
    """No key leads out of the folder."""
    vault = TokenVault(lambda name: FileStore(tmp_path / name))

    vault["../x"].save(Token("t"))

    assert (tmp_path / "..%2fx").exists()
    with pytest.raises(TypeError, match="cannot tell whose"):
        list(vault)


# -- files ----------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="about modes")
def test_the_files_of_a_vault_are_private(tmp_path):
    """The folder as well."""
    vault = TokenVault.files(tmp_path / "a" / "vault")

    vault["me"].save(Token("t"))

    modes = {
        p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "a").rglob("*")
    }
    assert modes == {"vault": 0o700, "token-me.json": 0o600}


def test_a_folder_that_is_not_there_yet_is_an_empty_vault(tmp_path):
    """It is made by the first who needs it."""
    assert list(TokenVault.files(tmp_path / "vault")) == []
    assert not (tmp_path / "vault").exists()


def test_other_files_in_the_folder_belong_to_no_key(tmp_path):
    """Locks, notes, what was set aside, and what somebody else put there."""
    vault = TokenVault.files(tmp_path)
    with vault["me"].lock(0):
        vault["me"].save(Token("t"))
    for name in (
        "token-.json",
        "token-x.json.corrupt-01234567",
        "README",
        ".token-y.json",
    ):
        (tmp_path / name).write_text("x")

    assert list(vault) == ["me"]


def test_a_folder_that_cannot_be_used_is_named(tmp_path, sandbox):
    """Whatever is done with it."""
    (tmp_path / "file").write_text("x")
    vault = TokenVault.files(
        tmp_path / "file",
        client_id="i",
        client_secret="s",
        redirect_uri=sandbox.redirect_uri,
    )

    for act in (lambda: list(vault), lambda: vault.begin_sign_on("me")):
        with pytest.raises(TokenStoreError, match=str(tmp_path / "file")):
            act()


# -- servers that are away ------------------------------------------------------------


def test_a_redis_that_is_away_is_told(start_redis):
    """By everything that asks it."""
    server = start_redis()
    vault = TokenVault.redis(server.client())
    vault["me"].save(Token("t"))
    server.kill()

    for act in (
        lambda: list(vault),
        lambda: "me" in vault,
        lambda: vault.__delitem__("me"),
        lambda: vault.complete_sign_on(None, "?state=s&code=c"),
    ):
        with pytest.raises(AwayError, match="Redis cannot"):
            act()
    server.start()


def test_a_database_that_is_away_is_told(postgres):
    """And nothing is lost by it."""
    vault = TokenVault.sql(postgres.url(postgres.new_user()))
    vault["me"].save(Token("t"))

    with postgres.down():
        for act in (
            lambda: list(vault),
            lambda: "me" in vault,
            lambda: vault.__delitem__("me"),
            lambda: vault.complete_sign_on(None, "?state=s&code=c"),
        ):
            with pytest.raises(AwayError, match=r"Cannot .* in requests_ticktick"):
                act()

    assert list(vault) == ["me"]


def test_a_prefix_in_redis_is_no_pattern(start_redis):
    """It is found as it is, whatever the client decodes."""
    server = start_redis()
    for client in (server.client(), server.client(decode_responses=True)):
        other = TokenVault.redis(client, "xa]y")
        vault = TokenVault.redis(client, "x[a]*")
        other["you"].save(Token("t"))

        vault["me"].save(Token("t"))

        assert list(vault) == ["me"]
    assert isinstance(client, redis.Redis)
