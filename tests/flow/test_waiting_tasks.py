"""Tasks wait for a token, and their event loop goes on."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest
from clients import Person, client_of
from observing import raises, until
from ways_in import Way

from requests_ticktick import (
    FileStore,
    LockTimeoutError,
    MemoryStore,
    SignOnError,
    SignOnTimeoutError,
    TickTickAuth,
    TickTickAuthError,
)
from requests_ticktick._flow.waiting import token_of

PROJECT = "/open/v1/project"
SECONDS = 60


class SlowPerson(Person):
    """Somebody who grants access once the test says so.

    :param at_once: How many times no one waits.
    """

    def __init__(self, sandbox, at_once=0):
        super().__init__(sandbox)
        self.at_once = at_once
        self.began, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, request):
        if self.asked >= self.at_once:
            self.began.set()
            assert self.may_go_on.wait(SECONDS)
        return super().__call__(request)


@pytest.fixture
def anyio(require_module):
    return require_module("anyio")


@pytest.fixture
def person(sandbox):
    """Somebody who is let go on when the test has ended, if not before."""
    slow = SlowPerson(sandbox)
    yield slow
    slow.may_go_on.set()
    until(lambda: waiting_threads() == 0)


def waiting_threads():
    return sum(thread.name == "waits for a token" for thread in threading.enumerate())


async def come(anyio, condition):
    """Let the loop go on until something has come, which is sure to."""
    with anyio.fail_after(SECONDS):
        while not condition():
            await anyio.sleep(0.002)


def test_the_loop_goes_on_while_many_tasks_wait(loop_way, sandbox, anyio, person):
    """One of its tasks ends the one sign-on that the others wait for."""
    auth, statuses = client_of(sandbox, sign_on=person), []

    async def main():
        async with loop_way.client(auth) as call, anyio.create_task_group() as group:

            async def one():
                statuses.append((await call("GET", sandbox.url(PROJECT))).status)

            for _ in range(100):
                group.start_soon(one)
            await come(anyio, person.began.is_set)
            for _ in range(20):  # everybody has come to wait
                await anyio.sleep(0)
            assert waiting_threads() == 1
            person.may_go_on.set()

    loop_way.run(main)

    assert statuses == [200] * 100
    assert (person.asked, sandbox.token_requests) == (1, 1)


def test_many_tasks_with_a_revoked_token_renew_it_once(loop_way, sandbox, anyio):
    """All are refused, and all are answered."""
    auth, statuses = client_of(sandbox), []
    auth.token()
    sandbox.revoke_all()

    async def main():
        async with loop_way.client(auth) as call, anyio.create_task_group() as group:

            async def one():
                statuses.append((await call("GET", sandbox.url(PROJECT))).status)

            for _ in range(30):
                group.start_soon(one)

    loop_way.run(main)

    assert statuses == [200] * 30
    assert sandbox.sign_ons == 2


def test_a_cancelled_task_returns_at_once_and_loses_no_token(
    loop_way, sandbox, anyio, person
):
    """However many are cancelled, one thread goes on to the end."""
    auth = client_of(sandbox, sign_on=person)

    async def main():
        async with loop_way.client(auth) as call:
            for _ in range(20):
                async with anyio.create_task_group() as group:
                    group.start_soon(call, "GET", sandbox.url(PROJECT))
                    await come(anyio, person.began.is_set)
                    group.cancel_scope.cancel()
            assert waiting_threads() == 1
            person.may_go_on.set()
            return (await call("GET", sandbox.url(PROJECT))).status

    assert loop_way.run(main) == 200
    assert person.asked == 1


def test_a_loop_that_ends_leaves_the_sign_on_alone(loop_way, sandbox, anyio, person):
    """Its token is there for the next one."""
    auth = client_of(sandbox, sign_on=person)

    async def main():
        async with loop_way.client(auth) as call, anyio.create_task_group() as group:
            group.start_soon(call, "GET", sandbox.url(PROJECT))
            await come(anyio, person.began.is_set)
            group.cancel_scope.cancel()

    loop_way.run(main)
    person.may_go_on.set()
    until(auth.peek)

    assert loop_way.call(auth, "GET", sandbox.url(PROJECT)).status == 200
    assert person.asked == 1


def test_a_loop_that_is_closed_too_early_is_passed_over(sandbox, anyio, caplog):
    """Its tasks were not even cancelled."""
    person = SlowPerson(sandbox)
    auth = client_of(sandbox, sign_on=person)
    loop = asyncio.new_event_loop()
    task = loop.create_task(token_of(auth.source))
    loop.run_until_complete(come(anyio, person.began.is_set))
    loop.close()

    person.may_go_on.set()

    until(lambda: waiting_threads() == 0)
    assert auth.peek() is not None
    assert not task.done()
    assert "exception calling callback" not in caplog.text


def test_in_the_leeway_one_task_renews_and_the_others_go_on(
    loop_way, sandbox, anyio, clock
):
    """With the token that still works."""
    person = SlowPerson(sandbox, at_once=1)
    auth = client_of(sandbox, sign_on=person, clock=clock)
    old = auth.token()
    clock.advance(sandbox.expires_in - 30)
    done = []

    async def main():
        async with loop_way.client(auth) as call, anyio.create_task_group() as group:

            async def one():
                done.append((await call("GET", sandbox.url(PROJECT))).status)

            group.start_soon(one)
            await come(anyio, person.began.is_set)
            for _ in range(10):
                await one()
            assert done == [200] * 10
            person.may_go_on.set()

    loop_way.run(main)

    assert done == [200] * 11
    assert auth.peek() != old
    assert person.asked == 2


def test_a_failure_is_shared(loop_way, sandbox, anyio, person):
    """Each task gets an error of its own, and nobody is asked again."""
    person.answers.append(SignOnTimeoutError("Nobody came."))
    auth, errors = client_of(sandbox, sign_on=person), []

    async def main():
        async with loop_way.client(auth) as call, anyio.create_task_group() as group:

            async def one():
                with pytest.raises(SignOnTimeoutError, match="Nobody came") as caught:
                    await call("GET", sandbox.url(PROJECT))
                errors.append(caught.value)

            for _ in range(10):
                group.start_soon(one)
            await come(anyio, person.began.is_set)
            person.may_go_on.set()

    loop_way.run(main)

    assert len({id(error) for error in errors}) == 10
    assert person.asked == 1


def test_two_questions_have_one_thread(loop_way, sandbox, anyio):
    """One task was refused, and the other one comes while it renews."""
    person = SlowPerson(sandbox, at_once=1)
    auth, statuses = client_of(sandbox, sign_on=person), []
    auth.token()
    sandbox.revoke_all()

    async def main():
        async with loop_way.client(auth) as call, anyio.create_task_group() as group:

            async def one():
                statuses.append((await call("GET", sandbox.url(PROJECT))).status)

            group.start_soon(one)
            await come(anyio, person.began.is_set)
            group.start_soon(one)
            for _ in range(10):
                await anyio.sleep(0.002)
            assert waiting_threads() == 1
            person.may_go_on.set()

    loop_way.run(main)

    assert statuses == [200] * 2
    assert (person.asked, sandbox.api_calls) == (2, 3)


def test_no_wait_is_without_end(loop_way, sandbox, anyio, person):
    """Those who wait for another task's sign-on give up as threads do."""
    store = MemoryStore()
    store.lock_timeout = 0.05
    auth = client_of(sandbox, store, sign_on=person)

    async def main():
        async with loop_way.client(auth) as call, anyio.create_task_group() as group:
            group.start_soon(call, "GET", sandbox.url(PROJECT))
            await come(anyio, person.began.is_set)
            with pytest.raises(LockTimeoutError, match=r"Another task .* 0\.05 s"):
                await call("GET", sandbox.url(PROJECT))
            person.may_go_on.set()

    loop_way.run(main)

    assert person.asked == 1


def test_a_store_is_not_read_in_the_loop(loop_way, sandbox, tmp_path):
    """A file may be on a network that is slow today."""
    readers = set()

    class Watched(FileStore):
        def candidates(self):
            readers.add(threading.current_thread())
            return super().candidates()

    client_of(sandbox, FileStore(tmp_path / "t.json")).token()
    auth = client_of(sandbox, Watched(tmp_path / "t.json"))

    assert loop_way.call(auth, "GET", sandbox.url(PROJECT)).status == 200

    assert readers
    assert threading.current_thread() not in readers
    assert sandbox.sign_ons == 1


def test_a_token_in_memory_needs_no_thread(loop_way, sandbox, monkeypatch):
    """Neither one that was given nor one that was obtained."""
    given = TickTickAuth.from_token(sandbox.issue_token(), service=sandbox.service)
    obtained = client_of(sandbox)
    obtained.token()
    started = "requests_ticktick._flow.waiting.started"
    monkeypatch.setattr(started, raises(AssertionError("a thread")))

    for auth in (given, obtained):
        assert loop_way.call(auth, "GET", sandbox.url(PROJECT)).status == 200


def test_a_listener_knows_for_whom_it_is_told(loop_way, sandbox):
    """By a context variable, such as a web framework's current request."""
    current, told = ContextVar("current", default=None), []
    auth = client_of(sandbox, on_event=lambda event: told.append(current.get()))

    async def main():
        current.set("the request")
        async with loop_way.client(auth) as call:
            await call("GET", sandbox.url(PROJECT))

    loop_way.run(main)

    assert set(told) == {"the request"}


def test_a_memory_of_ones_own_may_fail(loop_way, sandbox):
    """The thread then says what is wrong, or goes on without it."""

    class Broken(MemoryStore):
        def load(self):
            raise ValueError("a mistake")

    auth = client_of(sandbox, Broken())

    with pytest.raises(TickTickAuthError, match="ValueError"):
        loop_way.call(auth, "GET", sandbox.url(PROJECT))


def test_a_sign_on_cannot_wait_for_itself(loop_way, sandbox):
    """Where it makes a call of its own, in a loop of its own."""

    def sign_on(request):
        loop_way.call(auth, "GET", sandbox.url(PROJECT))

    auth = client_of(sandbox, sign_on=sign_on)

    with pytest.raises(SignOnError, match="itself needs the token"):
        loop_way.call(auth, "GET", sandbox.url(PROJECT))


def test_without_threads_the_error_is_ours(loop_way, sandbox, monkeypatch):
    """As in a container with a limit."""
    full = raises(RuntimeError("can't start new thread"))
    monkeypatch.setattr(threading.Thread, "start", full)

    with pytest.raises(TickTickAuthError, match="No thread could be started"):
        loop_way.call(client_of(sandbox), "GET", sandbox.url(PROJECT))


def test_the_loops_of_several_threads_share_a_sign_on(loop_way, sandbox, person):
    """They are all told."""
    auth, statuses = client_of(sandbox, sign_on=person), []

    def one():
        statuses.append(loop_way.call(auth, "GET", sandbox.url(PROJECT)).status)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert person.began.wait(SECONDS)
    person.may_go_on.set()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 3
    assert person.asked == 1


def test_a_client_that_blocks_works_inside_a_loop(sandbox, require_module):
    """As requests does, whatever that means for the loop."""
    way, auth = Way("httpx", require_module), client_of(sandbox)

    async def main():
        return way.call(auth, "GET", sandbox.url(PROJECT)).status

    assert asyncio.run(main()) == 200
