"""Signing on from a shell with an app that has no secret, or an old one."""

from __future__ import annotations

import pytest
from shell import Shell

from requests_ticktick import FileStore
from requests_ticktick.sandbox import Sandbox


@pytest.fixture
def public():
    with Sandbox(public=True) as sandbox:
        yield sandbox


@pytest.fixture
def shell(public, secrets, monkeypatch, tmp_path):
    shell = Shell(public, secrets, monkeypatch, tmp_path)
    shell.variables["TICKTICK_CLIENT_SECRET"] = None
    return shell


def test_an_app_without_a_secret_signs_on_without_a_question(shell):
    """Its id is configured, so that nobody has to type anything."""
    done = shell.run("login", env=shell.browser())

    assert done.returncode == 0
    assert "Client secret" not in done.stderr
    assert FileStore().load()


def test_enter_says_that_there_is_no_secret(shell, public):
    """Where the id is asked for, the secret is as well."""
    env = {"TICKTICK_CLIENT_ID": None}
    with shell.at_terminal("login", "--console", env=env) as running:
        running.sees("Client id: ")
        running.types(f"{public.client_id}\n")
        running.sees(r"Client secret \(hidden\): ")
        running.types("\n")
        running.types(f"{running.grants()}\n")

        assert running.ends() == 0


def test_a_forgotten_secret_is_named(sandbox, secrets, monkeypatch, tmp_path):
    """TickTick refuses the code, and does not say why."""
    shell = Shell(sandbox, secrets, monkeypatch, tmp_path)
    env = {"TICKTICK_CLIENT_SECRET": None, **shell.browser()}

    done = shell.run("login", env=env)

    assert done.returncode == 1
    assert "No client secret is configured" in done.stderr
    assert "TICKTICK_CLIENT_SECRET" in done.stderr


def test_login_force_asks_a_person_past_a_refresh_token(secrets, monkeypatch, tmp_path):
    """Whoever types it wants to sign on, perhaps as somebody else."""
    with Sandbox(refresh_tokens=True) as sandbox:
        shell = Shell(sandbox, secrets, monkeypatch, tmp_path)
        for _ in range(2):
            done = shell.run("login", "--force", env=shell.browser())
            assert done.returncode == 0

        assert sandbox.sign_ons == 2
