"""``login --register`` and ``logout --revoke``: no portal, and no loose ends."""

from __future__ import annotations

import pytest
import requests
from shell import Shell

from requests_ticktick import FileStore, Token


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


#: Whoever has no app.
NO_APP = dict.fromkeys(
    ["TICKTICK_CLIENT_ID", "TICKTICK_CLIENT_SECRET", "TICKTICK_REDIRECT_URI"]
)


# -- login --register ---------------------------------------------------------


def test_register_needs_no_app(shell, sandbox):
    """Programs and later commands find the token, and no client is asked for."""
    env = {**NO_APP, **shell.browser()}

    done = shell.run("login", "--register", env=env)

    assert done.returncode == 0, done.stderr
    assert len(sandbox.registered_clients) == 1
    assert shell.run("status", "--check", env=NO_APP).returncode == 0
    shell.run("login", "--register", "--force", env=env)
    assert len(sandbox.registered_clients) == 1
    assert sandbox.sign_ons == 2


def test_register_beside_a_configured_client_is_an_error(shell, sandbox):
    """Which of the two should sign on would be a guess."""
    done = shell.run("login", "--register", env=shell.browser())

    assert done.returncode == 2
    assert "unset TICKTICK_CLIENT_ID" in " ".join(done.stderr.split())
    assert sandbox.registration_requests == 0


def test_a_registration_that_fails_is_one_line(shell, sandbox):
    """It says what else there is."""
    sandbox.fail(1, 403, endpoint="register")

    done = shell.run("login", "--register", env={**NO_APP, **shell.browser()})

    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1


# -- logout --revoke ----------------------------------------------------------


def test_revoke_ends_the_token_at_the_service(shell, sandbox):
    """A copy of it is worthless afterwards."""
    shell.run("login", env=shell.browser())
    token = FileStore().load()

    done = shell.run("logout", "--revoke")

    assert done.returncode == 0
    assert done.stdout == (
        f"Revoked the token {token.fingerprint}, and removed it from "
        f"{FileStore().path}\n"
    )
    assert FileStore().load() is None
    headers = {"Authorization": f"Bearer {token.access_token}"}
    with requests.Session() as session:
        answer = session.get(sandbox.url("/open/v1/project"), headers=headers)
    assert answer.status_code == 401


def test_revoke_ends_a_registered_clients_token(shell, sandbox):
    """Its client is named in the file alone."""
    shell.run("login", "--register", env={**NO_APP, **shell.browser()})

    done = shell.run("logout", "--revoke", env=NO_APP)

    assert done.returncode == 0, done.stderr
    assert sandbox.revocation_requests == 1


def test_revoke_ends_tokens_of_all_scopes(shell, sandbox):
    """Whoever types no scopes means the token, whatever its scopes."""
    shell.run("login", "--scope", "tasks:read", env=shell.browser())

    done = shell.run("logout", "--revoke")

    assert done.returncode == 0
    assert sandbox.revocation_requests == 1
    assert FileStore().load() is None


def test_what_was_not_revoked_is_kept(shell, sandbox):
    """So that it can be tried again. The next step is a command."""
    shell.run("login", env=shell.browser())
    sandbox.fail(1, 503, endpoint="revoke")

    done = shell.run("logout", "--revoke")

    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "run: requests-ticktick logout --revoke --service" in done.stderr
    assert "auth." not in done.stderr
    assert FileStore().load() is not None
    assert shell.run("logout", "--revoke").returncode == 0


def test_a_token_in_a_variable_is_revoked_and_named(shell, sandbox):
    """Nobody can remove it there but the person."""
    env = {"TICKTICK_TOKEN": sandbox.issue_token("in-the-environment")}

    done = shell.run("logout", "--revoke", env=env)

    assert done.returncode == 0
    assert sandbox.revocation_requests == 1
    assert f"Revoked the token {Token('in-the-environment').fingerprint}\n" in (
        done.stdout
    )
    assert "Warning: $TICKTICK_TOKEN holds the token" in done.stderr


def test_without_a_token_nothing_is_revoked(shell, sandbox):
    """That is no error, as without ``--revoke``."""
    done = shell.run("logout", "--revoke")

    assert (done.returncode, done.stdout) == (0, "There was no token to remove.\n")
    assert sandbox.revocation_requests == 0
