"""What the library reads from the environment, as the command line does."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import requests
from shell import Shell

from requests_ticktick import (
    DIDA365,
    TICKTICK,
    FileStore,
    MemoryStore,
    TickTickAuth,
    Token,
    TokenStoreError,
    refuse,
)

PROJECT = "/open/v1/project"


def goes_to(auth, origin):
    request = requests.Request("GET", f"{origin}{PROJECT}", auth=auth).prepare()
    return "Authorization" in request.headers


def auth_of_service(**options):
    return TickTickAuth(store=MemoryStore(Token("t")), sign_on=refuse, **options)


# -- the service -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        (None, "https://api.ticktick.com"),
        ("", "https://api.ticktick.com"),
        ("ticktick", "https://api.ticktick.com"),
        ("dida365", "https://api.dida365.com"),
        (" 'Dida365'\r\n", "https://api.dida365.com"),
        ("http://127.0.0.1:8766", "http://127.0.0.1:8766"),
        ("http://[::1]:8766/", "http://[::1]:8766"),
    ],
)
@pytest.mark.parametrize("make", [auth_of_service, TickTickAuth.from_token])
def test_the_variable_names_the_service(monkeypatch, name, origin, make):
    """In the spelling in which it arrives."""
    if name is not None:
        monkeypatch.setenv("TICKTICK_SERVICE", name)
    auth = make("t") if make == TickTickAuth.from_token else make()

    for other in ("https://api.ticktick.com", "https://api.dida365.com", origin):
        assert goes_to(auth, other) is (other == origin)


def test_an_argument_wins(monkeypatch):
    """So does what a token's prefix says."""
    monkeypatch.setenv("TICKTICK_SERVICE", "dida365")

    assert goes_to(auth_of_service(service=TICKTICK), "https://api.ticktick.com")
    assert goes_to(TickTickAuth.from_token("tp_1"), "https://api.ticktick.com")


@pytest.mark.parametrize(
    "name", ["todoist", "https://api.ticktick.com", "http://example.org", "http://x:y"]
)
def test_a_name_of_no_service_is_an_error_of_the_constructor(monkeypatch, name):
    """Before a token goes to the wrong one. It names the variable and the names."""
    monkeypatch.setenv("TICKTICK_SERVICE", name)

    for make in (auth_of_service, lambda: TickTickAuth.from_token("t")):
        with pytest.raises(ValueError, match="TICKTICK_SERVICE") as caught:
            make()
        assert "ticktick, dida365" in str(caught.value)
        assert "sandbox" in str(caught.value)

    assert auth_of_service(service=DIDA365)
    assert TickTickAuth.from_token("dp_1")


def test_a_copy_keeps_its_service(monkeypatch):
    """A worker may have another environment."""
    monkeypatch.setenv("TICKTICK_SERVICE", "dida365")
    auth = auth_of_service()
    monkeypatch.delenv("TICKTICK_SERVICE")

    assert goes_to(pickle.loads(pickle.dumps(auth)), "https://api.dida365.com")


# -- the profile -------------------------------------------------------------------


@pytest.fixture
def profiles(monkeypatch):
    """Return a function that saves a token in a profile, and one for each."""
    for profile in ("work", "home"):
        FileStore(profile=profile).save(Token(f"of-{profile}"))
    FileStore().save(Token("of-default"))
    return monkeypatch.setenv


@pytest.mark.parametrize(
    ("name", "token"),
    [
        (None, "of-default"),
        ("", "of-default"),
        ("default", "of-default"),
        ("work", "of-work"),
        ('"work"\r\n', "of-work"),
    ],
)
def test_the_variable_names_the_profile(profiles, name, token):
    """For an auth without a store, and for a file store without a path."""
    if name is not None:
        profiles("TICKTICK_PROFILE", name)

    assert TickTickAuth(sign_on=refuse).token().access_token == token
    assert FileStore().load() == Token(token)


def test_what_a_program_passes_comes_first(profiles, tmp_path):
    """A profile, a store, a path."""
    profiles("TICKTICK_PROFILE", "work")
    path = tmp_path / "t.json"
    FileStore(path).save(Token("of-path"))

    for auth, token in (
        (TickTickAuth(profile="home", sign_on=refuse), "of-home"),
        (TickTickAuth(store=FileStore(profile="home"), sign_on=refuse), "of-home"),
        (TickTickAuth(store=FileStore(path), sign_on=refuse), "of-path"),
    ):
        assert auth.token().access_token == token


def test_a_profile_that_is_passed_comes_before_all_variables(profiles, tmp_path):
    """As the option ``--profile`` does."""
    FileStore(tmp_path / "t.json").save(Token("of-path"))
    profiles("TICKTICK_TOKEN", "of-variable")
    profiles("TICKTICK_TOKEN_FILE", str(tmp_path / "t.json"))
    profiles("TICKTICK_PROFILE", "work")

    auth = TickTickAuth(profile="home", sign_on=refuse)

    assert auth.token().access_token == "of-home"


def test_the_variable_with_a_path_comes_before_the_one_with_a_profile(
    profiles, tmp_path
):
    """It says more."""
    FileStore(tmp_path / "t.json").save(Token("of-path"))
    profiles("TICKTICK_TOKEN_FILE", str(tmp_path / "t.json"))
    profiles("TICKTICK_PROFILE", "work")

    assert FileStore().load() == Token("of-path")


@pytest.mark.parametrize("name", ["../work", "a/b", "a b", "~", "-x", "wörk/"])
def test_a_name_of_no_profile_is_an_error_of_the_constructor(monkeypatch, name):
    """It names the variable, or the argument."""
    with pytest.raises(ValueError, match="A profile is letters"):
        TickTickAuth(profile=name)
    monkeypatch.setenv("TICKTICK_PROFILE", name)

    for make in (TickTickAuth, FileStore):
        with pytest.raises(ValueError, match="TICKTICK_PROFILE"):
            make()
    assert TickTickAuth(profile="work")
    assert TickTickAuth(store=MemoryStore())


def test_a_name_that_has_become_wrong_is_an_error_of_the_store(monkeypatch):
    """The file is chosen where it is used, as a store may travel."""
    store = FileStore()
    monkeypatch.setenv("TICKTICK_PROFILE", "../work")

    with pytest.raises(TokenStoreError, match="TICKTICK_PROFILE"):
        store.load()


def test_a_store_and_a_profile_exclude_each_other():
    """The store has one of its own."""
    with pytest.raises(ValueError, match="exclude each other"):
        TickTickAuth(store=MemoryStore(), profile="work")


# -- the command line reads the same -----------------------------------------------


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


def test_the_command_line_keeps_the_token_where_a_program_looks(shell, monkeypatch):
    """``TICKTICK_PROFILE`` and ``--profile`` name the same file."""
    work = {"TICKTICK_PROFILE": "work"}

    done = shell.run("login", env={**work, **shell.browser()})
    shown = shell.run("status", "--profile", "work")
    elsewhere = shell.run("status", "--profile", "home", env=work)

    assert done.returncode == shown.returncode == 0
    assert Path(FileStore(profile="work").path).exists()
    assert not Path(FileStore().path).exists()
    assert elsewhere.returncode == 1


@pytest.mark.parametrize("option", [["--profile", "home"], ["--file", "t.json"]])
def test_an_option_comes_before_the_variable(shell, option):
    """Also where the variable is wrong."""
    env = {"TICKTICK_PROFILE": "../work"}

    done = shell.run("login", *option, env={**env, **shell.browser()})

    assert done.returncode == 0


def test_the_command_line_names_a_wrong_variable(shell):
    """And it prints no traceback."""
    done = shell.run("status", env={"TICKTICK_PROFILE": "../work"})

    assert done.returncode == 2
    assert "TICKTICK_PROFILE" in done.stderr
    assert "Traceback" not in done.stderr
