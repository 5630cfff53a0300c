"""Vaults of every kind, and what each person's auth is made with."""

from __future__ import annotations

import pytest

from requests_ticktick.vault import TokenVault


@pytest.fixture
def options(sandbox):
    """What each person's auth is made with."""
    return {
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "redirect_uri": sandbox.redirect_uri,
        "service": sandbox.service,
    }


@pytest.fixture(params=["files", "redis", "sqlite", "postgresql"])
def open_vault(request, tmp_path):
    """Open a vault; each call is as another process's, over the same place."""
    if request.param == "files":
        return lambda **options: TokenVault.files(tmp_path / "vault", **options)
    if request.param == "redis":
        server = request.getfixturevalue("start_redis")()
        return lambda **options: TokenVault.redis(server.client(), **options)
    url = f"sqlite:///{tmp_path}/vault.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.url(server.new_user())
    return lambda **options: TokenVault.sql(url, **options)


@pytest.fixture
def make(open_vault, options):
    """Open a vault whose people can sign on."""
    return lambda **more: open_vault(**{**options, **more})
