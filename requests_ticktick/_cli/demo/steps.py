"""The demo's steps, and what the sandbox has to see of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import requests

from ..._auth import TickTickAuth
from ..._defaults import LEEWAY_SECONDS
from ..._sign_on import SignOn
from ...stores import FileStore
from ..account import new_session, projects_url
from ..output import left
from .workers import WorkerError, run_workers

if TYPE_CHECKING:
    from ...sandbox import Sandbox

#: How many processes start without a token, all at once.
PROCESS_COUNT = 8

#: Long enough for a slow machine to use the token before its leeway begins.
_SHORT_LIFETIME_SECONDS = 63


class Counts(NamedTuple):
    """What the sandbox saw of a step, or has to see."""

    sign_ons: int
    token_requests: int
    api_calls: int


@dataclass(frozen=True)
class Step:
    """A step that can be taken.

    :param run: Takes it, and returns a line that says what happened.
    """

    title: str
    expected: Counts
    run: Callable[[], str]


@dataclass(frozen=True)
class Outcome:
    """A step that was taken.

    :param said: A line that says what happened.
    :param failed: Whether something else should have happened.
    """

    title: str
    expected: Counts
    seen: Counts
    said: str
    failed: bool

    @property
    def is_right(self) -> bool:
        """Whether the step succeeded, and the sandbox saw what it has to."""
        return not self.failed and self.seen == self.expected


class _WrongError(Exception):
    """A step went wrong. The message says what was seen instead."""


class Demo:
    """A program that uses the sandbox, and the steps that it takes.

    :param sandbox: It runs already.
    :param folder: Where the token file goes.
    :param sign_on: Makes the first sign-on. The sandbox makes the others.
    :param say: Called with a line of text by a step that takes a while.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        folder: str,
        sign_on: SignOn,
        say: Callable[[str], None],
    ) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._store = FileStore(f"{folder}/token.json")
        self._say = say
        self._first_sign_on = sign_on
        self._session = new_session(sandbox.service)
        self._session.auth = self._auth = self._new_auth(sandbox.sign_on)

    def _new_auth(self, sign_on: SignOn) -> TickTickAuth:
        sandbox = self._sandbox
        return TickTickAuth(
            sandbox.client_id,
            sandbox.client_secret,
            sandbox.redirect_uri,
            store=self._store,
            sign_on=sign_on,
            service=sandbox.service,
            leeway=LEEWAY_SECONDS,
        )

    def steps(self) -> list[Step]:
        """Return the steps in their order."""
        return [
            Step("Sign on", Counts(1, 1, 0), self._sign_on),
            Step("List the projects", Counts(0, 0, 1), self._list),
            Step(
                f"{PROCESS_COUNT} processes at once",
                Counts(1, 1, PROCESS_COUNT),
                self._run_processes,
            ),
            Step("A short-lived token", Counts(1, 1, 1), self._shorten),
            Step("Renew it in time", Counts(1, 1, 1), self._outlast),
            Step("Answer a 401", Counts(1, 1, 2), self._revoke),
        ]

    def take(self, step: Step) -> Outcome:
        """Take a step, and count what the sandbox sees of it."""
        before, failed = self._counts(), False
        try:
            said = step.run()
        except (_WrongError, WorkerError, requests.RequestException) as error:
            said, failed = str(error), True
        seen = Counts(
            *(now - then for now, then in zip(self._counts(), before, strict=True))
        )
        return Outcome(step.title, step.expected, seen, said, failed)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _counts(self) -> Counts:
        sandbox = self._sandbox
        return Counts(sandbox.sign_ons, sandbox.token_requests, sandbox.api_calls)

    def _sign_on(self) -> str:
        token = self._new_auth(self._first_sign_on).sign_on()
        return f"token {token.fingerprint} for {left(token.lifetime or 0.0)}"

    def _list(self) -> str:
        projects = self._get().json()
        return ", ".join(project["name"] for project in projects)

    def _run_processes(self) -> str:
        self._auth.forget()
        sandbox = self._sandbox
        env = {
            "TICKTICK_CLIENT_ID": sandbox.client_id,
            "TICKTICK_CLIENT_SECRET": sandbox.client_secret or "",
            "TICKTICK_REDIRECT_URI": sandbox.redirect_uri,
            "TICKTICK_TOKEN_FILE": self._store.path,
        }
        tokens = run_workers(PROCESS_COUNT, sandbox.url(""), env, folder=self._folder)
        if len(set(tokens)) > 1:
            raise _WrongError(f"{len(set(tokens))} different tokens were used")
        return f"all began without a token, all used {tokens[0]}"

    def _shorten(self) -> str:
        lifetime = self._sandbox.expires_in
        self._sandbox.expires_in = _SHORT_LIFETIME_SECONDS
        try:
            token = self._auth.sign_on(force=True)
        finally:
            self._sandbox.expires_in = lifetime
        self._get()
        return (
            f"token {token.fingerprint} for {_SHORT_LIFETIME_SECONDS} s, used as it is"
        )

    def _outlast(self) -> str:
        old = self._auth.token()
        seconds = (old.expires_at or 0.0) - LEEWAY_SECONDS - time.time()
        seconds = min(max(0.0, seconds), _SHORT_LIFETIME_SECONDS - LEEWAY_SECONDS)
        self._say(f"waiting {seconds:.1f} s until {LEEWAY_SECONDS:g} s are left of it")
        time.sleep(seconds + 0.05)
        self._get()
        new = self._auth.token()
        if new.access_token == old.access_token:
            raise _WrongError(f"token {old.fingerprint} is still in use")
        return f"token {old.fingerprint} was replaced by {new.fingerprint}"

    def _revoke(self) -> str:
        old = self._auth.token()
        self._sandbox.revoke_all()
        response = self._get()
        answers = [response, *response.history]
        statuses = ", then ".join(str(r.status_code) for r in reversed(answers))
        if statuses != "401, then 200":
            raise _WrongError(f"the answers were {statuses}")
        new = self._auth.token()
        return f"{old.fingerprint} was revoked: {statuses} with {new.fingerprint}"

    def _get(self) -> requests.Response:
        response = self._session.get(projects_url(self._sandbox.service), timeout=30)
        response.raise_for_status()
        return response
