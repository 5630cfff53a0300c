"""One token in a database that goes away, refuses, or is none."""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import multiprocessing
import os
import pickle
import sqlite3
import sys
import threading
import time

import pytest
import workers
from clients import Person, client_of
from inside import engines_of, grant_of
from observing import until
from processes import run_in_a_fork
from sqlalchemy import create_engine, text

from requests_ticktick import (
    LockTimeoutError,
    Token,
    TokenStoreError,
    refuse,
)
from requests_ticktick.stores import _sql_engine, sql
from requests_ticktick.stores._base import AwayError
from requests_ticktick.stores.sql import SqlStore

TOKEN = Token("a-token", scope="tasks:read tasks:write")


@pytest.fixture
def store(url):
    return SqlStore(url)


def make_table(store):
    """Only who writes makes it."""
    with store.lock(0):
        pass


# -- a database that goes away ---------------------------------------------------------


def test_a_server_that_was_restarted_is_used_at_once(store, postgres):
    """The connections that it has ended are noticed."""
    store.save(TOKEN)

    postgres.restart()

    assert store.load() == TOKEN


def test_a_restart_during_a_sign_on_asks_nobody_twice(sandbox, url, postgres):
    """The lock is in the row, which outlives the server."""
    asked, go_on = threading.Event(), threading.Event()

    def slowly(request):
        asked.set()
        assert go_on.wait(60)
        return sandbox.sign_on(request)

    looks = []

    class Watched(SqlStore):
        def version(self):
            looks.append(super().version())
            return looks[-1]

    first = client_of(sandbox, SqlStore(url), sign_on=slowly)
    person = Person(sandbox)
    second = client_of(sandbox, Watched(url), sign_on=person)
    found = []
    threads = [threading.Thread(target=lambda: found.append(first.token()))]
    threads[0].start()
    assert asked.wait(60)
    threads.append(threading.Thread(target=lambda: found.append(second.token())))
    threads[1].start()
    until(lambda: len(looks) > 2)  # it has found the lock taken, and waits

    postgres.restart()
    go_on.set()
    for thread in threads:
        thread.join(60)

    assert len(found) == 2
    assert found[0] == found[1]
    assert (sandbox.sign_ons, person.asked) == (1, 0)


def test_who_holds_the_lock_saves_when_the_server_is_back(store, postgres, monkeypatch):
    """A refresh token is good once: its successor is not given up at once."""
    sleep, slept = time.sleep, []

    def starts_it(seconds):
        if not slept:
            postgres.start()
        slept.append(seconds)
        sleep(seconds)

    with store.lock(0):
        postgres.kill()
        monkeypatch.setattr(sql.time, "sleep", starts_it)

        store.save(TOKEN)

    assert slept
    assert store.load() == TOKEN


def test_a_lock_is_free_soon_after_an_outage_that_it_ended_in(url, postgres):
    """And not after the whole of its time."""
    store = SqlStore(url, lock_ttl=3600)
    with postgres.down():
        postgres.start()
        held = store.lock(0)
        held.__enter__()
        postgres.kill()
        held.__exit__(None, None, None)

    with store.lock(60):
        pass


def test_a_lock_that_cannot_be_released_is_left_to_its_end(store, rows, caplog):
    """Such as where the rights have gone."""
    with store.lock(0):
        rows("ALTER TABLE requests_ticktick RENAME owner TO other")

    assert "The lock was not released" in caplog.text
    rows("ALTER TABLE requests_ticktick RENAME other TO owner")
    with pytest.raises(LockTimeoutError), store.lock(0):
        pass


def test_an_outage_may_outlast_the_lock(url, postgres, monkeypatch):
    """Then it ends by itself."""
    store = SqlStore(url, lock_ttl=0.2)
    threads = []
    started = threading.Thread.start
    monkeypatch.setattr(
        threading.Thread, "start", lambda t: (threads.append(t), started(t))[1]
    )
    held = store.lock(0)
    held.__enter__()
    with postgres.down():
        held.__exit__(None, None, None)
        for thread in threads:
            thread.join(60)

    assert len(threads) == 2
    with store.lock(60):
        pass


def test_a_renewal_survives_a_server_that_goes_away_meanwhile(
    sandbox, store, url, postgres, clock
):
    """The token works from memory, and is saved once the server is back."""
    sandbox.refresh_tokens = True
    token = client_of(sandbox, store, clock=clock).token()
    store.save(token.replace(expires_at=token.issued_at))
    hasty = SqlStore(url, lock_ttl=0.1)
    auth = client_of(sandbox, hasty, sign_on=refuse, clock=clock)
    exchanges = grant_of(auth).refresh

    def and_it_goes(*args, **kwargs):
        postgres.kill()
        return exchanges(*args, **kwargs)

    grant_of(auth).refresh = and_it_goes

    renewed = auth.token()

    postgres.start()
    assert store.load().access_token == token.access_token != renewed.access_token
    clock.advance(61)
    assert auth.token() == store.load() == renewed


def test_an_outage_says_what_is_the_matter_and_no_password(url, postgres, secrets):
    """With the driver's own words, as long as there was no statement."""
    secrets.add("p4ssword")
    store = SqlStore(url.replace("owner@", "owner:p4ssword@") + "?application_name=x")

    # "closed": another test's server may have the port meanwhile.
    words = "refused|closed the connection"
    with postgres.down(), pytest.raises(AwayError, match=words) as caught:
        store.load()

    assert "p4ssword" not in f"{caught.value} {store!r} {store.location}"
    assert caught.value.location == store.location
    assert store.version() is not None
    with postgres.down():
        assert store.version() is None


def test_a_pool_that_is_empty_is_an_outage(url):
    """The program may use all connections of its engine for a while."""
    engine = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    store = SqlStore(engine)

    with engine.connect(), pytest.raises(AwayError, match="TimeoutError"):
        store.load()

    assert store.load() is None
    engine.dispose()


def test_a_database_file_that_another_program_locks_is_an_outage(tmp_path):
    """It is over in a moment."""
    store = SqlStore(f"sqlite:///{tmp_path}/tokens.db?timeout=0")
    store.save(TOKEN)
    with contextlib.closing(sqlite3.connect(tmp_path / "tokens.db")) as theirs:
        theirs.execute("BEGIN EXCLUSIVE")

        with pytest.raises(AwayError, match="database is locked"):
            store.load()


def test_a_table_is_made_when_the_file_is_free_again(tmp_path):
    """Until then it is an outage, and no lack of rights."""
    path = tmp_path / "tokens.db"
    store = SqlStore(f"sqlite:///{path}?timeout=0")
    with contextlib.closing(sqlite3.connect(path)) as theirs:
        theirs.execute("BEGIN IMMEDIATE")

        with pytest.raises(AwayError, match="database is locked"):
            store.save(TOKEN)

    store.save(TOKEN)
    assert store.load() == TOKEN


def test_a_poolers_next_connection_needs_nothing_prepared(store, postgres):
    """PgBouncer hands each transaction to another one."""
    for number in range(20):
        store.save(Token(f"t{number}"))
        assert store.load() == Token(f"t{number}")

    (engine,) = engines_of(store)
    with engine.connect() as connection:
        prepared = text("SELECT count(*) FROM pg_prepared_statements")
        assert connection.scalar(prepared) == 0


@pytest.mark.parametrize("state", ["40001", "40P01", "25006", "55P03", "53300"])
def test_what_passes_by_itself_is_an_outage(store, rows, state):
    """A deadlock, a standby that is to be promoted, somebody's long lock."""
    make_table(store)
    rows(
        f"CREATE FUNCTION refuse_{state}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"
    )
    rows(
        "CREATE TRIGGER refuse BEFORE INSERT ON requests_ticktick "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_{state}()"
    )

    with pytest.raises(AwayError, match=state):
        store.save(TOKEN)


# -- what cannot be used ------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("mysql+pymysql://u:p4ss@h/d", "another kind cannot be used"),
        ("postgresql+asyncpg://u:p4ss@h/d", "another kind cannot be used"),
        ("p4ss word", "another kind cannot be used"),
        ("postgresql://u:p4ss@h:port/d", "another kind cannot be used"),
        ("sqlite://", "plain path"),
        ("sqlite:///:memory:", "plain path"),
        ("sqlite:///file:x?mode=memory&uri=true", "plain path"),
    ],
)
def test_a_url_of_no_use_is_refused_when_the_store_is_made(place, problem, secrets):
    """It may hold a password, and is not quoted."""
    secrets.add("p4ss")
    with pytest.raises(ValueError, match=problem) as caught:
        SqlStore(place)

    assert "p4ss" not in str(caught.value)


@pytest.mark.parametrize("place", [None, 5, object(), sqlite3])
def test_anything_but_a_url_or_an_engine_is_a_type_error(place):
    """Such as an AsyncEngine."""
    with pytest.raises(TypeError, match="a URL or an Engine"):
        SqlStore(place)


@pytest.mark.parametrize(
    ("key", "options"),
    [("", {}), ("a\0b", {}), ("\ud800", {}), ("a" * 1025, {}), ("a", {"lock_ttl": 0})],
)
def test_options_out_of_range_are_refused(key, options):
    """Before anything is done with them."""
    with pytest.raises(ValueError, match=r"1 to 1024|utf-8|0\.1 seconds"):
        SqlStore("postgresql://", key, **options)


def test_sqlalchemy_that_is_missing_is_named(monkeypatch):
    """With what to install."""
    for name in ("sql", "_sql_database", "_sql_engine", "_sql_error", "_sql_lock"):
        monkeypatch.delitem(sys.modules, f"requests_ticktick.stores.{name}")
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)

    with pytest.raises(ImportError, match=r"requests-ticktick\[sql\]"):
        importlib.import_module("requests_ticktick.stores.sql")


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg99"])
def test_a_driver_that_is_missing_is_named(monkeypatch, driver):
    """SQLAlchemy brings none for PostgreSQL."""
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    store = SqlStore(f"postgresql+{driver}://owner@127.0.0.1/x")

    with pytest.raises(TokenStoreError, match=rf"{driver}.*Install that driver"):
        store.load()


def test_a_path_that_is_no_folder_s_is_named(tmp_path):
    """As where a file stands in a folder's place: nothing is taken for missing."""
    (tmp_path / "file").touch()

    with pytest.raises(TokenStoreError, match="unable to open database file"):
        SqlStore(f"sqlite:///{tmp_path}/file/tokens.db").load()


def test_a_database_file_that_cannot_be_used_is_named(tmp_path):
    """A folder that is missing, a file that is something else."""
    (tmp_path / "text").write_text("no database, and long enough to be seen as none")
    for path, problem in (
        (tmp_path / "nowhere" / "tokens.db", "No such file or directory"),
        (tmp_path / "text", "DatabaseError: file is not a database"),
    ):
        store = SqlStore(f"sqlite:///{path}")
        with pytest.raises(TokenStoreError, match=problem) as caught, store.lock(0):
            pass
        assert str(path) in caught.value.location


def test_nobody_is_asked_for_a_token_that_a_role_cannot_write(sandbox, postgres, user):
    """All who share the table would ask, one after the other."""
    mine, person = SqlStore(postgres.url(user)), Person(sandbox)
    guest = postgres.new_guest(user)
    make_table(mine)
    postgres.execute(f"GRANT SELECT ON requests_ticktick TO {guest}", user=user)
    theirs = client_of(sandbox, SqlStore(postgres.url(guest)), sign_on=person)

    with pytest.raises(TokenStoreError, match="GRANT them"):
        theirs.token()

    assert person.asked == 0
    mine.save(client_of(sandbox, mine).token())
    assert theirs.token() == mine.load()


def test_a_server_error_quotes_no_value(store, rows, secrets):
    """PostgreSQL repeats the row that a constraint refuses."""
    make_table(store)
    rows("ALTER TABLE requests_ticktick ADD CHECK (length(text) < 5)")
    secrets.add("a-token")

    with pytest.raises(TokenStoreError, match="CheckViolation 23514") as caught:
        store.save(TOKEN)

    assert "a-token" not in str(caught.value)


# -- an engine of the program's ----------------------------------------------------


@pytest.fixture
def engine(url):
    engine = create_engine(url, pool_pre_ping=True, isolation_level="SERIALIZABLE")
    yield engine
    engine.dispose()


def test_an_engine_is_shared_with_the_program(engine, store):
    """Whatever isolation its own transactions have."""
    shared = SqlStore(engine)

    def save():
        for number in range(25):
            shared.save(Token(f"t{number}"))

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.load() == Token("t24")
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "SERIALIZABLE"
    with pytest.raises(TypeError, match="give it the URL"):
        pickle.dumps(shared)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="about forks")
def test_a_forked_child_uses_no_connection_of_its_parents(engine, store):
    """Else each would read the other's answers."""
    for each in (SqlStore(engine), store):
        each.save(TOKEN)

        def work(each=each):
            each.save(Token("childs"))
            return each.load().access_token

        assert run_in_a_fork(work) == "childs"
        assert each.load() == Token("childs")


def test_the_logs_of_sqlalchemy_show_no_token(engine, caplog, secrets):
    """Not even where it logs each row."""
    secrets.add("a-token")
    caplog.set_level(logging.DEBUG, "sqlalchemy.engine")
    store = SqlStore(engine)

    store.save(TOKEN)

    assert store.load() == TOKEN
    assert "Row" in caplog.text
    assert "a-token" not in caplog.text


def test_connections_are_closed_with_their_store(url, postgres, user):
    """Of those that were made for a URL."""
    count = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}'"
    stores = [SqlStore(url)]
    stores[0].load()
    assert postgres.execute(count) == [(1,)]

    stores.clear()
    gc.collect()

    until(lambda: postgres.execute(count) == [(0,)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="about forks")
def test_a_child_closes_no_connection_of_its_parents(store, postgres, user):
    """Not even when it drops the store, or ends as any program does."""
    who = f"SELECT pid FROM pg_stat_activity WHERE usename = '{user}'"
    store.load()
    (before,) = postgres.execute(who)

    def work():
        engines = engines_of(store)
        _sql_engine.dispose(engines[0], os.getppid())
        return store.load()

    assert run_in_a_fork(work) is None
    assert store.load() is None
    assert before in postgres.execute(who)


def test_a_spawned_process_needs_the_url_alone(store):
    """The store travels without its connections."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=workers.hold, args=(store, theirs))
    process.start()
    assert ours.poll(60)
    assert ours.recv() == process.pid

    with pytest.raises(LockTimeoutError, match=f"process {process.pid}"), store.lock(0):
        pass

    ours.send("leave")
    assert ours.recv() == "released"
    process.join()
