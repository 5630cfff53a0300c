"""Airflow's ``HttpHook`` makes an auth of its connection: the convention.

Airflow itself is not installed: what its hook does with ``auth_type`` are the
lines of ``session_of``.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import requests
from clients import client_of

from requests_ticktick import FileStore, SignOnRequiredError, TickTickAuth, refuse


def session_of(connection, auth_type):
    """Return the session that the hook makes: with a login, or without one."""
    session = requests.Session()
    if connection.login:
        session.auth = auth_type(connection.login, connection.password)
    else:
        session.auth = auth_type()
    return session


@pytest.fixture
def variables(sandbox, monkeypatch):
    """A worker where somebody has signed on before."""
    monkeypatch.setenv("TICKTICK_SERVICE", sandbox.url(""))
    client_of(sandbox, FileStore()).token()


@pytest.mark.parametrize("has_login", [True, False])
def test_the_class_is_an_auth_type(sandbox, variables, has_login):
    """A connection's login and password are the app's id and secret."""
    login = sandbox.client_id if has_login else None
    password = sandbox.client_secret if has_login else None
    connection = SimpleNamespace(login=login, password=password)

    with session_of(connection, TickTickAuth) as session:
        response = session.get(sandbox.url("/open/v1/project"), timeout=30)

    assert response.status_code == 200
    assert sandbox.sign_ons == 1


def test_an_app_without_a_secret_has_a_login_alone(sandbox, variables):
    """Airflow passes ``None`` then."""
    connection = SimpleNamespace(login=sandbox.client_id, password=None)

    with session_of(connection, TickTickAuth) as session:
        response = session.get(sandbox.url("/open/v1/project"), timeout=30)

    assert response.status_code == 200


def test_the_login_of_another_app_does_not_use_its_token(sandbox, variables):
    """And a worker has nobody to ask."""
    connection = SimpleNamespace(login="another", password="secret")
    auth_type = partial(TickTickAuth, sign_on=refuse, store=FileStore())

    with (
        session_of(connection, auth_type) as session,
        pytest.raises(SignOnRequiredError, match="another client"),
    ):
        session.get(sandbox.url("/open/v1/project"), timeout=30)
