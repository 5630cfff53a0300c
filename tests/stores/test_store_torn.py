"""A torn token, and a file that another program is writing just now."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import pytest
from click.testing import CliRunner
from contents import JSON, TOKEN, everything_in
from observing import warnings_in

from requests_ticktick import FileStore, Token, TokenStoreError
from requests_ticktick._cli.program import program
from requests_ticktick.stores import _token_file

TORN = {
    "empty": b"",
    "a line end": b"\n",
    "NULs": bytes(512),
    "a byte order mark": b"\xef\xbb\xbf",
    "one brace": b"{",
    "a quote": b'{"',
    "half a key": b'{"access_tok',
    "a key": b'{"access_token"',
    "half a token": b'{"access_token":"hunter2',
    "half a letter": b'{"access_token":"hunter2","note":"\xc3',
    "almost all": JSON[:-1].encode(),
    "NULs at the end": JSON[:20].encode() + bytes(512),
    "the end of a longer one": f'{JSON}45"}}'.encode(),
    "indented": b'{\n  "token_type": "bearer",\n  "acc',
    "a literal": b"{'access_token': 'hunter2",
    "a number without end": b'{"access_token": "a", "x": ' + b"9" * 9999 + b"}",
}


each_torn = pytest.mark.parametrize("content", TORN.values(), ids=TORN)


# -- what was ours -------------------------------------------------------------


@each_torn
def test_a_torn_token_is_set_aside_by_the_next_save(
    write, path, caplog, secrets, content
):
    """Once, with one warning; until then nothing is moved, whoever looks."""
    secrets.add("hunter2")
    store = write(content)

    assert (store.load(), store.load()) == (None, None)
    assert everything_in(path.parent) == {"t.json": content}
    store.save(Token("new"))
    store.save(Token("newer"))

    (warning,) = warnings_in(caplog)
    assert str(path) in warning
    assert "sign-on will write it anew" in warning
    (aside,) = path.parent.glob("t.json.corrupt-*")
    assert aside.read_bytes() == content
    assert store.load() == Token("newer")


@each_torn
def test_a_torn_token_can_be_deleted(write, path, content):
    """With what was set aside before, and nothing else."""
    store = write(content)
    others = [
        path.parent / name
        for name in ("t.json.corrupt-", "t.json.corrupt-x", "u.json.corrupt-01234567")
    ]
    for other in others:
        other.write_text("x")
    folder = path.parent / "t.json.corrupt-89abcdef"
    folder.mkdir()
    (path.parent / "t.json.corrupt-01234567").write_text("x")

    store.delete()
    store.delete()

    assert sorted(path.parent.iterdir()) == sorted([*others, folder])


def test_a_logout_removes_what_was_set_aside(write, path):
    """Half a token is half a secret."""
    write(TORN["half a token"]).save(Token("new"))

    done = CliRunner().invoke(program, ["logout", "--file", str(path)])

    assert done.exit_code == 0
    assert everything_in(path.parent) == {}


def test_a_logout_removes_it_where_there_is_no_token(write, path):
    """And says that there was none."""
    write(TORN["half a token"])
    (path.parent / "t.json.corrupt-01234567").write_text("x")

    done = CliRunner().invoke(program, ["logout", "--file", str(path)])

    assert "There was no token to remove" in done.output
    assert everything_in(path.parent) == {}


def test_a_token_tells_what_it_was_from_its_first_byte(write, path):
    """However many keys it has: torn anywhere, it is known as ours."""
    store = write('{"note": "mine", "access_token": "a"}')
    store.save(Token("new", expires_at=2e9, extra={"client_id": "x"}))
    content = path.read_bytes()

    for end in range(len(content)):
        path.write_bytes(content[:end])
        store = pickle.loads(pickle.dumps(store))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_token_file, "READ_PAUSE_SECONDS", 0.0)
            assert store.load() is None


def test_a_good_file_is_not_set_aside_for_the_torn_one_before_it(
    write, path, monkeypatch
):
    """Somebody may save between the reading and the renaming."""
    store, real = write("{"), os.rename

    def late(source, target):
        monkeypatch.setattr(os, "rename", real)
        FileStore(path).save(Token("good"))
        monkeypatch.setattr(os, "replace", broken)
        real(source, target)

    def broken(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", late)
    with pytest.raises(TokenStoreError, match="No space left"):
        store.save(Token("new"))

    assert FileStore(path).load() == Token("good")
    assert len(list(path.parent.glob("t.json.corrupt-*"))) == 1  # the other's own


def test_a_torn_file_that_cannot_be_moved_is_replaced(write, path, monkeypatch):
    """What is left of a token is worth less than the token."""
    store = write("{")

    def denied(*_args):
        raise PermissionError(13, "denied")

    monkeypatch.setattr(os, "rename", denied)
    store.save(Token("new"))

    assert everything_in(path.parent).keys() == {"t.json"}
    assert store.load() == Token("new")


@pytest.fixture
def pauses(monkeypatch):
    """What happens while a store waits, step by step; and how often it waits."""
    steps, waited = [], []

    def sleep(seconds):
        waited.append(seconds)
        if steps:
            steps.pop(0)()

    monkeypatch.setattr(_token_file.time, "sleep", sleep)
    return steps, waited


# -- what another program is writing just now ----------------------------------


@pytest.mark.parametrize("verb", ["load", "save", "delete"])
def test_a_file_that_is_being_written_is_waited_for(write, path, pauses, caplog, verb):
    """Other clients empty the file, and then write it: no token is lost."""
    steps, waited = pauses
    store = write("")
    steps += [
        lambda: path.write_text(JSON[:9]),
        lambda: None,
        lambda: path.write_text(JSON),
    ]

    if verb == "load":
        assert store.load().access_token == TOKEN
    elif verb == "save":
        store.save(Token("new"))
        assert store.load() == Token("new")
    else:
        store.delete()
        assert not path.exists()

    assert len(waited) == 3
    assert warnings_in(caplog) == []
    assert list(path.parent.glob("*.corrupt-*")) == []


@pytest.mark.parametrize("verb", ["load", "save"])
def test_a_client_that_writes_slowly_is_waited_for(write, path, pauses, verb):
    """Over a network: as long as it goes on, and a second at most."""
    steps, waited = pauses
    store = write("")
    for end in (9, 30, 60, None):
        steps += [lambda: None] * 15
        steps.append(lambda end=end: path.write_text(JSON[:end]))

    if verb == "load":
        assert store.load().access_token == TOKEN
    else:
        store.save(Token("new"))
        assert everything_in(path.parent).keys() == {"t.json"}

    assert len(waited) == 64


def test_a_file_that_is_never_whole_is_waited_for_a_second(write, path, pauses):
    """Whoever writes there writes no token."""
    steps, waited = pauses
    steps += [lambda: path.write_text("{" + " " * len(waited))] * 1000

    assert write("{").load() is None
    assert 0.9 <= sum(waited) <= 1.1


def test_a_file_that_stays_torn_is_waited_for_once(write, path, pauses):
    """A tenth of a second, and not again until it has changed."""
    _, waited = pauses
    store = write("{")

    assert store.load() is None
    assert 0.01 <= sum(waited) <= 0.11
    before = len(waited)
    assert store.load() is None
    assert len(waited) == before
    path.write_text('{"')
    assert store.load() is None
    assert len(waited) > before


def test_a_file_that_is_removed_meanwhile_is_gone(write, path, pauses):
    """As one that was not there."""
    steps, _ = pauses
    store = write("{")
    steps.append(path.unlink)

    assert store.load() is None


def test_a_good_file_is_not_waited_for(write, pauses):
    """Nor is a file that is not there."""
    _, waited = pauses

    write(JSON).load()
    FileStore("/no/such/file").load()

    assert waited == []


WRITES_IN_PLACE = """
import sys, time
while True:
    with open(sys.argv[1], "w") as file:
        file.write(sys.argv[2])
    print(flush=True)
    time.sleep(0.001)
"""


def test_a_client_that_writes_in_place_and_ours_share_a_file(write, path):
    """No token of either is lost, whatever moment the other reads at."""
    store = write("")
    command = [sys.executable, "-c", WRITES_IN_PLACE, str(path), JSON]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        try:
            found = {writer.stdout.readline() and store.load() for _ in range(300)}
        finally:
            writer.kill()

    assert found == {Token.from_dict(json.loads(JSON))}
    assert everything_in(path.parent).keys() == {"t.json"}
