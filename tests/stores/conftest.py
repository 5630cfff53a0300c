"""What several tests of the stores begin with."""

from __future__ import annotations

import pytest
from herds import Person

from requests_ticktick import FileStore


@pytest.fixture
def path(tmp_path):
    """A path of a token file in a folder that is not there yet."""
    return tmp_path / "kept" / "t.json"


@pytest.fixture
def write(path):
    """Write the file as another program does: for its owner alone."""

    def write(content):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o600)
        return FileStore(path)

    return write


@pytest.fixture
def person(sandbox):
    """Somebody who signs on, counted in all processes."""
    return Person(sandbox)


@pytest.fixture
def keychain(monkeypatch, tmp_path):
    """A keychain of this test's own, chosen as users choose theirs."""
    import keyring

    path = tmp_path / "keychain.json"
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keychains.FileKeyring")
    monkeypatch.setenv("KEYRING_PROPERTY_PATH", str(path))
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    return path


@pytest.fixture
def server(start_redis):
    """A Redis of this test's own."""
    return start_redis()


@pytest.fixture
def client(server):
    """A client of that Redis."""
    return server.client()


@pytest.fixture
def user(postgres):
    """A user of PostgreSQL with an empty schema."""
    return postgres.new_user()


@pytest.fixture
def url(postgres, user):
    """Where that user's database is."""
    return postgres.url(user)


@pytest.fixture
def rows(postgres, user):
    """What that user's tables hold."""
    return lambda what: postgres.execute(what, user=user)
