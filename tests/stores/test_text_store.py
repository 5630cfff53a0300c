"""A store whose author says how one piece of text is read, written and locked."""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import pickle
import secrets
from traceback import walk_tb

import pytest
from clients import Person, client_of
from outages import folder_in_place_of

from requests_ticktick import (
    FileLock,
    LockTimeoutError,
    TextStore,
    Token,
    TokenStoreError,
)
from requests_ticktick._stamp import Stamp
from requests_ticktick.testing import FakeClock, TokenStoreContract

TORN = '{"access_token": "hunter2'


class Shelf(TextStore):
    """Keeps a text in this process; fails with ``error`` while it has one."""

    text = None
    error = None

    def read(self):
        if self.error is not None:
            raise self.error
        return self.text

    def write(self, text):
        if self.error is not None:
            raise self.error
        self.text = text

    def lock(self, timeout=None):
        return contextlib.nullcontext()


class Filed(TextStore):
    """Keeps a text in a file."""

    def __init__(self, path):
        self.path = path
        self.location = f"the file {path}"
        self.file_lock = FileLock(path)

    def read(self):
        try:
            return self.path.read_text()
        except FileNotFoundError:
            return None

    def write(self, text):
        if text is None:
            self.path.unlink(missing_ok=True)
        else:
            new = self.path.with_suffix(f".{secrets.token_hex(8)}")
            new.write_text(text)
            new.replace(self.path)

    def lock(self, timeout=None):
        return self.file_lock.acquire(self.lock_timeout if timeout is None else timeout)


class TestFiled(TokenStoreContract):
    """The contract spoils the text by itself."""

    @pytest.fixture
    def store(self, tmp_path):
        return Filed(tmp_path / "t.txt")

    def outage(self, store):
        return folder_in_place_of(store.path)


def calls_of(store):
    """All that reads or writes the text."""
    return {
        "load": store.load,
        "candidates": lambda: list(store.candidates()),
        "save": lambda: store.save(Token("hunter2")),
        "delete": store.delete,
        "reserve": lambda: store.reserve(Token("hunter2")),
    }


def refusals_of(store, *names):
    """What the calls raise, each of which has to."""
    for name in names or calls_of(store):
        with pytest.raises(TokenStoreError) as caught:
            calls_of(store)[name]()
        yield caught.value


# -- what is there ---------------------------------------------------------------------


def test_a_store_has_to_say_how_a_text_is_read_written_and_locked():
    """Python says so when it is made, and not when it is needed."""
    for name in ("read", "write", "lock"):
        lacking = {n: vars(Shelf)[n] for n in ("read", "write", "lock") if n != name}
        kind = type("Lacking", (TextStore,), lacking)
        with pytest.raises(TypeError, match=name):
            kind()


def test_keys_that_are_not_ours_are_kept():
    """As others have put them there; the stamp is the new token's."""
    store = Shelf()
    store.text = '{"note": "mine", "access_token": "a", "client_id": "me"}'

    store.save(Token("b"))

    fields = json.loads(store.text)
    assert (fields["access_token"], fields["note"]) == ("b", "mine")
    assert "client_id" not in fields


@pytest.mark.parametrize("text", ["", "{", TORN])
def test_a_torn_text_gives_way_to_the_next_save(caplog, secrets, text):
    """To the next token, with one warning; the store may set it aside."""
    secrets.add("hunter2")
    aside = []

    class Careful(Shelf):
        def set_aside(self, text):
            aside.append((text, self.text))

    for store in (Shelf(), Careful()):
        store.text = text
        assert [store.load(), store.load()] == [None, None]
        store.reserve(Token("new"))
        assert aside == []
        store.save(Token("new"))
        assert store.load() == Token("new")

    assert aside == [(text, text)]  # before it was written over
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(warnings) == 2  # of two stores
    assert all("where a token should be" in warning for warning in warnings)


def test_a_torn_text_that_cannot_be_set_aside_stays(secrets):
    """The error is one of the write."""
    secrets.add("hunter2")

    class Full(Shelf):
        def set_aside(self, text):
            raise OSError(28, "No space left on device", text)

    store = Full()
    store.text = TORN

    with pytest.raises(TokenStoreError, match=r"Cannot write Full.*No space left"):
        store.save(Token("new"))

    assert store.text == TORN


@pytest.mark.parametrize("text", ["{}", "[]", "a pass phrase hunter2", "[" * 50_000])
def test_another_programs_text_stays(secrets, text):
    """It is refused, whatever is asked, and not quoted."""
    secrets.add("hunter2")
    store = Shelf()
    store.text = text

    for error in refusals_of(store):
        assert "It stays as it is" in str(error)

    assert store.text == text


def test_one_word_that_may_be_a_token_is_read_and_stays():
    """It may as well be what another program needs."""
    store = Shelf()
    store.text = "db.internal"

    assert store.load() == Token("db.internal")
    for error in refusals_of(store, "save", "delete", "reserve"):
        assert "may be another program's" in str(error)

    assert store.text == "db.internal"


def test_another_clients_token_is_refused_before_a_person_is_asked():
    """By name of the place."""
    store = Shelf()
    store.location = "the shelf"
    store.save(Stamp("you", "https://as.test/t", None).put_on(Token("b")))
    mine = Stamp("me", "https://as.test/t", None).put_on(Token("a"))

    for call in (store.save, store.reserve):
        with pytest.raises(TokenStoreError, match="the shelf holds a token of an"):
            call(mine)


def test_a_text_of_another_type_is_named(secrets):
    """Caches and drivers return bytes, or what they have decoded themselves."""
    secrets.add("hunter2")
    store = Shelf()
    for value in (b"hunter2", {"access_token": "hunter2"}, 5):
        store.text = value
        for error in refusals_of(store):
            assert f"{type(value).__name__}, which is no text" in str(error)
            assert "Shelf.read" in str(error)


# -- what goes wrong -------------------------------------------------------------------


def shown_by(error):
    """What an error tracker sends of one."""
    variables = [
        value
        for frame, _ in walk_tb(error.__traceback__)
        if frame.f_globals["__name__"].startswith("requests_ticktick")
        for value in frame.f_locals.values()
    ]
    return f"{error!r} {error.__cause__!r} {error.__context__!r} {variables!r}"


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (OSError(13, "Permission denied"), "Permission denied"),
        (ValueError("hunter2"), "ValueError"),
        (KeyError("hunter2"), "KeyError"),
        (ConnectionError("hunter2 refused"), "ConnectionError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_raised_is_one_of_our_errors(secrets, error, problem):
    """It names the place and the problem, and quotes nothing."""
    secrets.add("hunter2")
    store = Shelf()
    store.location = "the shelf"
    store.error = error

    for refusal in refusals_of(store):
        assert str(refusal).startswith(f"Cannot read the shelf: {problem}. See that")
        assert refusal.location == "the shelf"
        assert secrets.shown_in(shown_by(refusal)) == []


@pytest.mark.parametrize(
    "error", [TokenStoreError("Start the server."), LockTimeoutError("Wait.")]
)
def test_an_error_of_ours_stays_what_it_is(error):
    """The author has said more than we could."""
    store = Shelf()
    store.error = error

    with pytest.raises(type(error)) as caught:
        store.load()

    assert caught.value is error


def test_a_failed_write_names_the_place(secrets):
    """A token could not be saved, or not be deleted."""
    secrets.add("hunter2")

    class Sealed(Shelf):
        text = '{"access_token": "a"}'

        def write(self, text):
            raise RuntimeError(text)

    (save, delete) = refusals_of(Sealed(), "save", "delete")

    assert str(save).startswith("Cannot write Sealed(): RuntimeError.")
    assert str(delete).startswith("Cannot delete Sealed(): RuntimeError.")
    assert secrets.shown_in(shown_by(save)) == []


def test_ctrl_c_is_not_taken_for_an_outage():
    """It comes out as it is."""
    store = Shelf()
    store.error = KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        store.load()


def test_a_token_is_saved_once_the_place_is_back(sandbox):
    """Until then it works from memory; one person is asked once."""

    class Full(Shelf):
        is_full = True

        def write(self, text):
            if self.is_full:
                raise ConnectionError("no answer")
            super().write(text)

    store, person, clock = Full(), Person(sandbox), FakeClock()
    auth = client_of(sandbox, store, sign_on=person, clock=clock)
    token = auth.token()
    assert store.text is None
    store.is_full = False
    clock.advance(120)

    assert auth.token() == token

    assert store.load() == token
    assert person.asked == 1


# -- those who wait --------------------------------------------------------------------


def test_the_version_tells_of_a_new_token_and_of_a_failure(tmp_path):
    """Both are what those who wait are waiting for."""
    store, other = Filed(tmp_path / "t.txt"), Filed(tmp_path / "t.txt")
    versions = [store.version()]

    with other.lock(0):
        other.save(Token("a"))
        versions.append(store.version())
        other.record_failure("no")
        versions.append(store.version())

    assert store.failure() == "no"
    assert len(set(versions)) == 3
    assert None not in versions


def test_a_store_that_cannot_be_read_has_no_version():
    """Whoever loads is told why."""
    store = Shelf()
    store.error = OSError(5, "Input/output error")

    assert store.version() is None


def test_without_a_file_lock_no_failure_is_kept():
    """Each of those who wait tries in turn."""
    store = Shelf()

    store.record_failure("no")

    assert store.failure() is None


# -- what it is called, and copies -----------------------------------------------------


def test_a_store_is_called_by_its_location():
    """Without one, by its class."""
    store = Shelf()
    assert repr(store) == "Shelf()"
    store.location = "row 5"
    store.save(Token("hunter2"))

    assert repr(store) == "Shelf('row 5')"


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
def test_a_copy_warns_no_second_time(tmp_path, caplog, clone):
    """It knows what its original has said."""
    (tmp_path / "t.txt").write_text(TORN)
    store = Filed(tmp_path / "t.txt")
    store.load()

    clone(store).load()

    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1
