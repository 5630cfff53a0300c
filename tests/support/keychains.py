"""Keychains: one over files, one that is broken, one that is slow."""

from __future__ import annotations

import json
import os
import secrets as random
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import (
    PasswordDeleteError,
)


class FileKeyring(KeyringBackend):
    """A keychain in a JSON file, which ``KEYRING_PROPERTY_PATH`` names."""

    priority = -1  # never chosen unless it is asked for by name

    def get_password(self, service, username):
        return self._read().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self._write({**self._read(), f"{service}/{username}": password})

    def delete_password(self, service, username):
        passwords = self._read()
        if passwords.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("not found")
        self._write(passwords)

    def _read(self):
        path = Path(self.path)
        return json.loads(path.read_text()) if path.exists() else {}

    def _write(self, passwords):
        temporary = f"{self.path}.{random.token_hex(8)}"
        Path(temporary).write_text(json.dumps(passwords))
        os.replace(temporary, self.path)


class Broken(FileKeyring):
    """A keychain whose methods raise what they are told to."""

    def __init__(self, **errors):
        super().__init__()
        self.errors = errors

    def get_password(self, service, username):
        self._act("get")
        return super().get_password(service, username)

    def set_password(self, service, username, password):
        self._act("set")
        return super().set_password(service, username, password)

    def delete_password(self, service, username):
        self._act("delete")
        return super().delete_password(service, username)

    def _act(self, verb):
        error = self.errors.get(verb)
        if callable(error):
            error()
        elif error is not None:
            raise error


class Slow(FileKeyring):
    """A keychain that waits for a person."""

    def __init__(self):
        super().__init__()
        self._asked = threading.Semaphore(0)
        self.answered = threading.Event()

    def get_password(self, service, username):
        if not self.answered.is_set():
            self._asked.release()
            self.answered.wait(30)
        return super().get_password(service, username)

    def was_asked(self, times):
        """Whether it was asked so often: the threads that ask may be slow."""
        were = all(self._asked.acquire(timeout=30) for _ in range(times))
        return were and not self._asked.acquire(blocking=False)
