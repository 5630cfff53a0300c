"""The parts of an object that no program may touch, for tests that have to.

One of three seams: a test may also change the constants of a module that have
no underscore, and set ``auth.source.clock``. All other tests go by what
programs and people see. ``tests/project/test_seams.py`` finds those that do not.
"""

from __future__ import annotations


def grant_of(auth):
    """Return what talks to the authorization server."""
    return auth.source._grant


def wallet_of(auth):
    """Return the tokens in memory."""
    return auth.source._wallet


def turns_of(auth):
    """Return what threads wait in while one of them renews."""
    return auth.source._renewal._turns.get()


def renewal_of(auth):
    """Return what renews the token under the lock."""
    return auth.source._renewal.renew


def lock_of(part):
    """Return the thread lock of a part."""
    return part._lock


def send_of(grant):
    """Return what sends the requests to the token endpoint."""
    return grant._send


def send_by(grant, send):
    """Have a grant send its requests to the token endpoint by this function."""
    grant._send = send


def faults_of(sandbox):
    """Return the failures that are still to come."""
    return sandbox._faults


def clients_of(sandbox):
    """Return the clients that have registered themselves."""
    return sandbox._clients


def servers_of(listener):
    """Return the servers that listen at a redirect URI."""
    return listener._servers


def streams_of(sign_on):
    """Return what a console sign-on reads from and writes to."""
    return sign_on._input, sign_on._output


def keychain_of(store):
    """Return what a store asks the keychain with."""
    return store._keychain


def touch(store):
    """Have a keychain's store tell others that it has changed."""
    store._touch()


def redis_of(store):
    """Return the client of a store in Redis."""
    return store._clients.get()


def asked_by(store):
    """Return the client of a store in Redis, as the store itself gets it."""
    return store._client()


def kept_in(store):
    """Return the token in a memory store, also while it fails."""
    return store._token


def put_into(store, token):
    """Put a token into a memory store, as one who holds no lock."""
    store._token = token


def engines_of(store):
    """Return what a store in a database has its connections from."""
    return list(store._database._engines.values())


def begun_in_memory(vault):
    """Return the sign-ons that a vault of one's own stores keeps."""
    return vault._place._begun


def app_of(sandbox):
    """Return the web application that the sandbox serves."""
    return sandbox._app
