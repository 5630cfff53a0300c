"""The rest of :mod:`ways_to_fail`: what is no token, stores, and the API."""

from __future__ import annotations

import io
import os
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from ways_to_fail import CASES, case

from requests_ticktick import (
    EnvStore,
    FileStore,
    InsecureTransportError,
    InvalidTokenError,
    LockTimeoutError,
    MemoryStore,
    Service,
    TickTickAuth,
    Token,
    TokenEndpointError,
    TokenStoreError,
)
from requests_ticktick.stores import _files

# -- what is no token ------------------------------------------------------------


@case(InvalidTokenError)
def a_token_has_a_space(world):
    Token(f"{world.plant()} x", extra={"id_token": world.plant()})


@case(InvalidTokenError)
def a_refresh_token_has_a_space(world):
    Token(world.plant(), refresh_token=f"{world.plant()} x")


@case(InvalidTokenError)
def a_good_token_has_a_bad_expiry(world):
    Token(world.plant(), refresh_token=world.plant(), expires_at=float("nan"))


@case(InvalidTokenError)
def a_personal_token_is_cut_in_two(world):
    TickTickAuth.from_token(f"{world.plant()}\n{world.plant()}")


@case(InvalidTokenError)
def a_dict_has_a_bad_scope(world):
    Token.from_dict({"access_token": world.plant(), "scope": 5, "x": world.plant()})


@case(InvalidTokenError)
def a_response_is_a_text(world):
    Token.from_response(world.plant(), now=0.0)


@case(InvalidTokenError)
def a_response_is_nested_too_deeply(world):
    nested = {"x": world.plant()}
    for _ in range(500):
        nested = {"x": nested}
    Token.from_response({"access_token": world.plant(), "x": nested}, now=0.0)


@case(InvalidTokenError)
def a_changed_token_is_none(world):
    world.expired().replace(refresh_token=f"{world.plant()} x")


# -- stores ----------------------------------------------------------------------


@case(TokenStoreError)
def the_variable_holds_half_a_literal(world):
    world.patch.setenv("A_TOKEN", f"{{'access_token': '{world.plant()}'")
    EnvStore("A_TOKEN").load()


@case(TokenStoreError)
def the_variable_holds_two_words(world):
    world.patch.setenv("A_TOKEN", f"{world.plant()} {world.plant()}")
    EnvStore("A_TOKEN").load()


@case(TokenStoreError)
def the_variable_cannot_be_written(world):
    EnvStore("A_TOKEN").save(world.expired())


def failing(number, text):
    def fail(*args):
        raise OSError(number, text)

    return fail


@case(TokenStoreError)
def the_disk_is_full(world):
    world.file.save(Token(world.plant()))
    world.patch.setattr(os, "fsync", failing(28, "No space left on device"))
    world.file.save(world.expired())


class HalfRead(io.FileIO):
    """A file on a disk that fails after the first read."""

    def read(self, size=-1):
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().read(size)


@case(TokenStoreError)
def the_disk_fails_in_the_middle(world):
    world.file.save(world.expired())
    world.patch.setattr(
        _files, "open", lambda fd, mode, buffering: HalfRead(fd), raising=False
    )
    world.file.load()


@case(TokenStoreError)
def the_file_is_anothers(world):
    world.file.save(Token(world.plant(), extra={"client_id": "another"}))
    world.file.save(Token(world.plant(), extra={"client_id": "mine"}))


@case(TokenStoreError)
def the_token_is_no_plain_data(world):
    world.file.save(Token(world.plant(), extra={"x": object(), "y": world.plant()}))


@case(KeyboardInterrupt)
def somebody_interrupts_a_save(world):
    def interrupt(fd):
        raise KeyboardInterrupt

    world.patch.setattr(os, "fsync", interrupt)
    world.file.save(world.expired())


@case(LockTimeoutError)
def another_holds_the_lock(world):
    world.file.save(world.expired())
    world.enter_context(world.file.lock(0.0))
    world.client(FileStore(world.file.path, lock_timeout=0.0)).token()


@case(InsecureTransportError)
def the_address_is_not_https(world):
    Service(f"http://u:{world.plant()}@x/?y={world.plant()}", "https://x", "https://x")


# -- the API ---------------------------------------------------------------------


def api(world, token, origin):
    """Return a session whose requests to this origin carry the token."""
    urls = world.sandbox.service
    service = Service(urls.authorization_endpoint, urls.token_endpoint, origin)
    session = world.enter_context(requests.Session())
    session.auth = world.client(MemoryStore(token), service=service)
    return session


@case(requests.ConnectionError)
def the_api_is_not_there(world):
    origin = f"https://127.0.0.1:{urlsplit(world.sandbox.redirect_uri).port}"
    api(world, Token(world.plant()), origin).get(f"{origin}/open/v1/project")


class HangsUp(HTTPAdapter):
    """Sends one request, and fails at the second."""

    sent = 0

    def send(self, request, **kwargs):
        self.sent += 1
        if self.sent > 1:
            raise requests.ConnectionError("hung up", request=request)
        return super().send(request, **kwargs)


@case(requests.ConnectionError)
def the_api_hangs_up_on_the_second_request(world):
    session = api(world, Token(world.plant()), world.sandbox.url(""))
    session.mount("http://", HangsUp())
    session.post(world.sandbox.url("/open/v1/task"), json={"title": "x"})


@case(TokenEndpointError)
def the_401_cannot_be_answered(world):
    session = api(world, Token(world.plant()), world.sandbox.url(""))
    world.sandbox.fail(1, 503)
    session.get(world.sandbox.url("/open/v1/project"), headers={"X": "y"})


__all__ = ["CASES"]
