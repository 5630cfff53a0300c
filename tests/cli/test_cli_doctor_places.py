"""``doctor``: faults of the place where the token is."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest
from click.testing import CliRunner
from disks import fill
from other_users import NOBODY, a_folder, as_user, inside, plant
from shell import Shell

from requests_ticktick import FileStore, Token
from requests_ticktick._cli.program import program
from requests_ticktick._stamp import Stamp
from requests_ticktick.stores.sql import SqlStore

DAY = 86_400.0


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


@pytest.fixture
def store(sandbox, secrets):
    """The file that programs read, with a valid token."""
    access_token = sandbox.issue_token()
    secrets.add(access_token)
    token = Token(access_token, expires_at=time.time() + 100 * DAY)
    stamp = Stamp(sandbox.client_id, sandbox.service.token_endpoint, None)
    FileStore().save(stamp.put_on(token))
    return FileStore()


def faults(shell, *arguments, env=()):
    done = shell.run("doctor", "--json", "--offline", *arguments, env=env)
    report = json.loads(done.stdout)
    assert report["healthy"] is (done.returncode == 0) is (report["faults"] == [])
    assert done.stderr == ""
    return {fault["check"]: fault["remedy"] for fault in report["faults"]}


def test_a_file_that_others_can_read_is_one(shell, store):
    """The remedy can be pasted."""
    os.chmod(store.path, 0o644)

    assert faults(shell) == {"file-mode": f"chmod 600 {store.path}"}


def test_a_file_that_we_cannot_read_is_one(require_root):
    """Also where it is ours."""
    with a_folder() as folder:
        plant(folder / "t.json", mode=0o000)
        words = ["doctor", "--offline", "--json"]
        runner = CliRunner(env={"TICKTICK_TOKEN_FILE": str(folder / "t.json")})
        runner.invoke(program, words)  # it imports all that it needs
        with inside(folder), as_user(NOBODY):
            done = runner.invoke(program, words)

    (fault,) = json.loads(done.stdout)["faults"]
    assert fault["check"] == "file-mode"
    assert fault["found"] == f"You may not read {folder / 't.json'}."


def test_a_folder_that_others_can_write_is_one(shell, store):
    """Nothing is saved there, which is no further fault."""
    folder = os.path.dirname(store.path)
    os.chmod(folder, 0o777)

    assert faults(shell) == {"folder-mode": f"chmod go-w {folder}"}


def test_something_of_another_user_is_one(shell, store, require_root):
    """The file, or a folder on the way to it."""
    os.chown(store.path, NOBODY, NOBODY)

    assert list(faults(shell)) == ["foreign-owner"]


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ('{"access_tok', "A sign-on writes it anew"),
        ("", "A sign-on writes it anew"),
        ('{"theme": "dark"}', "Remove it if nothing needs it"),
    ],
)
def test_a_file_without_a_token_is_one(shell, store, content, remedy):
    """It stays as it is."""
    with open(store.path, "w") as file:
        file.write(content)

    found = faults(shell)

    assert list(found) == ["corrupt-file"]
    assert found["corrupt-file"].startswith(remedy)
    with open(store.path) as file:
        assert file.read() == content


def test_a_folder_in_the_place_of_the_file_is_one(shell, store):
    """Docker makes one for a mount without a file."""
    os.unlink(store.path)
    os.mkdir(store.path, 0o700)

    assert list(faults(shell)) == ["corrupt-file"]


def test_a_lock_that_is_no_file_is_one(shell, store):
    """Programs make do with another lock, which other machines do not see."""
    os.mkdir(f"{store.path}.lock")

    assert list(faults(shell)) == ["lock-unavailable"]


def test_a_lock_that_is_held_is_one(shell, store):
    """The fault names the process."""
    with store.lock(0):
        done = shell.run("doctor", "--offline")

    assert done.returncode == 1
    assert done.stdout.startswith("lock-held: ")
    assert f"process {os.getpid()} on " in done.stdout


def test_the_lock_of_a_database_is_looked_at_as_well(shell, store, tmp_path):
    """Another process may sign on for it."""
    address = f"sqlite:///{tmp_path}/tokens.db"
    database = SqlStore(address)
    database.save(store.load())
    assert faults(shell, "--store", address) == {}

    with database.lock(0):
        assert list(faults(shell, "--store", address)) == ["lock-held"]


@pytest.mark.parametrize("content", [None, "a token", '{"access_tok'])
def test_a_read_only_place_is_one(shell, store, disk, content):
    """Before the first sign-on, after it, and with a torn file."""
    folder = disk()
    path = folder / "token.json"
    if content == "a token":
        FileStore(path).save(store.load())
    elif content is not None:
        path.write_text(content)
        path.chmod(0o600)
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)

    assert "read-only" in faults(shell, "--file", str(path))


def test_a_full_disk_is_one(shell, store, disk):
    """The next token would be lost."""
    folder = disk()
    FileStore(folder / "token.json").save(store.load())
    fill(folder)

    assert list(faults(shell, "--file", str(folder / "token.json"))) == ["read-only"]


def test_where_nothing_is_saved_a_place_may_be_read_only(shell, store, disk):
    """As in a container with the token in a variable."""
    folder = disk()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    token = json.dumps(store.load().to_dict())
    env = {"TICKTICK_TOKEN": token, "TICKTICK_TOKEN_FILE": str(folder / "t.json")}

    assert faults(shell, env=env) == {}


def test_a_place_in_which_no_folder_can_be_made_is_one(shell, tmp_path):
    """Before anybody signs on in vain."""
    (tmp_path / "file").write_text("x")
    path = str(tmp_path / "file" / "token.json")

    assert "read-only" in faults(shell, "--file", path)


def test_a_place_that_cannot_be_determined_is_one(shell):
    """As with a path that is not whole."""
    env = {"TICKTICK_TOKEN_FILE": "token.json"}

    assert list(faults(shell, env=env)) == ["store-unreachable"]


def test_a_server_that_is_away_is_one(shell):
    """Its address is not shown."""
    address = "redis://127.0.0.1:1/0"

    assert list(faults(shell, "--store", address)) == ["store-unreachable"]
