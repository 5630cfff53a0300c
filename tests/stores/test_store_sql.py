"""One token in a real PostgreSQL or SQLite, shared by all who reach it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading

import pytest
import workers
from clients import client_of
from observing import until
from outages import folder_in_place_of
from processes import run_in_a_fork

from requests_ticktick import (
    LockTimeoutError,
    Token,
    TokenStoreError,
)
from requests_ticktick.stores.sql import SqlStore
from requests_ticktick.testing import TokenStoreContract

TOKEN = Token("a-token", scope="tasks:read tasks:write")


@pytest.fixture
def lock_ttl(request):
    """Some tests wait until it is over; the others must not see it end."""
    name = request.node.name
    return 6.0 if "dies" in name else 3.0 if "outage" in name else 30.0


@pytest.fixture
def store(url):
    return SqlStore(url)


# -- the contract ------------------------------------------------------------------


class TestSqlStoreOnSQLite(TokenStoreContract):
    @pytest.fixture
    def store(self, tmp_path, lock_ttl):
        self.path = tmp_path / "tokens.db"
        return SqlStore(f"sqlite:///{self.path}", "me", lock_ttl=lock_ttl)

    def outage(self, store):
        return folder_in_place_of(self.path)


@pytest.mark.parametrize("driver", ["psycopg", "pg8000"])
class TestSqlStoreOnPostgreSQL(TokenStoreContract):
    @pytest.fixture
    def store(self, postgres, driver, lock_ttl):
        self.server = postgres
        url = postgres.url(postgres.new_user(), driver=driver)
        return SqlStore(url, "me", lock_ttl=lock_ttl)

    def outage(self, store):
        return self.server.down()


# -- the table ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_make_the_table_and_sign_on_once(sandbox, tmp_path, request, kind):
    """All at once they find that it is not there."""
    for number in range(3):
        if kind == "sqlite":
            store = SqlStore(f"sqlite:///{tmp_path}/{number}.db")
        else:
            server = request.getfixturevalue("postgres")
            store = SqlStore(server.url(server.new_user()))
        auth = client_of(sandbox, store)

        results = workers.herd("fork", 6, 1, auth, sandbox.url("/open/v1/project"))

        assert [status for status, _ in results] == [200] * 6
        assert sandbox.sign_ons == number + 1


def test_each_account_has_a_row(url, rows):
    """Their tokens, locks and failures do not meet."""
    mine, yours = SqlStore(url, "me"), SqlStore(url, "you")
    with mine.lock(0), yours.lock(0):
        mine.save(TOKEN)
        yours.record_failure("yours")

    assert yours.load() is None
    assert mine.failure() is None
    yours.record_failure(None)
    assert rows("SELECT name, owner FROM requests_ticktick") == [("me", None)]


def test_a_row_goes_with_its_token_but_not_with_its_lock(store, rows):
    """Somebody may be signing on when a token is deleted."""
    store.save(TOKEN)
    with store.lock(0):
        store.delete()

        with pytest.raises(LockTimeoutError), store.lock(0):
            pass
        assert len(rows("SELECT * FROM requests_ticktick")) == 1
    assert rows("SELECT * FROM requests_ticktick") == []


def test_the_table_may_be_in_a_schema_of_its_own(store, url, rows, postgres, user):
    """Its name may need quotes; it never becomes part of a statement."""
    postgres.execute(f"CREATE SCHEMA app_of_{user} AUTHORIZATION {user}")
    elsewhere = SqlStore(url, table=f'app_of_{user}."; DROP TABLE x')

    elsewhere.save(TOKEN)

    assert store.load() is None
    found = rows(f'SELECT name FROM app_of_{user}."""; DROP TABLE x"')
    assert found == [("default",)]


def test_a_role_without_rights_is_told_which_it_needs(store, rows, postgres, user):
    """Who may not make the table needs it to be there, and four rights."""
    guest = postgres.new_guest(user)
    worker = SqlStore(postgres.url(guest))
    with pytest.raises(TokenStoreError, match=r"42P01.*make it once"), worker.lock(0):
        pass
    store.save(TOKEN)
    with pytest.raises(TokenStoreError, match=r"42501.*SELECT, INSERT, UPDATE and DEL"):
        worker.load()
    rows(f"GRANT SELECT, INSERT, UPDATE, DELETE ON requests_ticktick TO {guest}")

    with worker.lock(0):
        worker.save(TOKEN)
        worker.record_failure("x")

    assert worker.load() == TOKEN
    worker.delete()
    assert worker.load() is None


def look_around(store):
    """Do all that a program, or ``status`` and ``logout``, does without a sign-on."""
    assert (store.load(), store.failure()) == (None, None)
    assert list(store.candidates()) == []
    store.version()
    store.delete()


def test_looking_makes_no_table(store, rows, user):
    """The database may be another program's."""
    look_around(store)

    tables = f"SELECT tablename FROM pg_tables WHERE tableowner = '{user}'"
    assert rows(tables) == []


def test_looking_makes_no_file_and_changes_none(tmp_path):
    """The path may be mistyped, or another program's."""
    missing, theirs = tmp_path / "missing.db", tmp_path / "theirs.db"
    with contextlib.closing(sqlite3.connect(theirs)) as database:
        database.execute("CREATE TABLE x (y)")
    before = theirs.read_bytes()

    for path in (missing, theirs):
        look_around(SqlStore(f"sqlite:///{path}"))

    assert not missing.exists()
    assert theirs.read_bytes() == before


def test_another_programs_table_stays_as_it_is(store, postgres, user, rows):
    """The error says to take another name."""
    postgres.execute(
        "CREATE TABLE requests_ticktick (name text PRIMARY KEY, other text)",
        "INSERT INTO requests_ticktick VALUES ('default', 'theirs')",
        user=user,
    )

    for act in (store.load, store.delete, lambda: store.save(TOKEN)):
        with pytest.raises(TokenStoreError, match=r"another program's.*table="):
            act()

    assert rows("SELECT * FROM requests_ticktick") == [("default", "theirs")]


@pytest.mark.skipif(os.name != "posix", reason="about modes")
def test_a_database_file_is_private_from_its_first_byte(tmp_path):
    """SQLite would make it as the umask says."""
    store = SqlStore(f"sqlite:///{tmp_path}/tokens.db")

    with store.lock(0):
        store.save(TOKEN)

    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.glob("tokens*")}
    assert modes == {"tokens.db": 0o600}


def test_a_path_is_seen_from_where_the_store_was_made(tmp_path, monkeypatch):
    """The program may go elsewhere."""
    monkeypatch.chdir(tmp_path)
    store = SqlStore("sqlite:///tokens.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    store.save(TOKEN)

    assert (tmp_path / "tokens.db").exists()


# -- the lock ----------------------------------------------------------------------


def test_who_holds_the_lock_is_named(store):
    """So that somebody can look what it is doing."""
    with store.lock(0), pytest.raises(LockTimeoutError) as caught, store.lock(0.1):
        pass

    assert f"process {os.getpid()} on " in str(caught.value.holder)
    assert "Waited 0.1 s for the lock 'default' in requests_ticktick" in str(
        caught.value
    )


@pytest.mark.parametrize("note", ["", "[1]", "{", "[" * 100_000])
def test_a_holder_that_says_nothing_of_use_is_unknown(store, rows, note):
    """Somebody else may have written it."""
    with store.lock(0):
        rows(f"UPDATE requests_ticktick SET owner = '{note}'")

        with pytest.raises(LockTimeoutError, match="unknown") as caught, store.lock(0):
            pass

    assert caught.value.holder is None


def test_a_lock_is_renewed_for_as_long_as_it_is_held(url, rows):
    """A person takes longer than it lasts."""
    store = SqlStore(url, lock_ttl=2.0)
    ends = "SELECT until FROM requests_ticktick"
    with store.lock(0):
        (first,) = rows(ends)
        until(lambda: rows(ends) > [first])


def test_a_lock_that_was_lost_is_said_to_be(url, rows, caplog):
    """Such as after a long sleep of the machine; another's is not released."""
    store = SqlStore(url, lock_ttl=0.3)
    with store.lock(0):
        rows("UPDATE requests_ticktick SET owner = 'another', until = 'infinity'")
        until(lambda: "was lost" in caplog.text)

    with pytest.raises(LockTimeoutError), store.lock(0):
        pass


def test_a_lock_is_had_without_a_thread_as_well(store, monkeypatch):
    """A program that is ending can start none."""

    def refuses(thread):
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuses)

    with store.lock(0), pytest.raises(LockTimeoutError), store.lock(0):
        pass
    with store.lock(0):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="about forks")
def test_a_child_leaves_the_lock_to_its_parent(store):
    """It was forked while the lock was held, and ends as a parent would."""
    held = store.lock(0)
    held.__enter__()

    run_in_a_fork(lambda: held.__exit__(None, None, None))

    with pytest.raises(LockTimeoutError), store.lock(0):
        pass
    held.__exit__(None, None, None)
    with store.lock(0):
        pass
