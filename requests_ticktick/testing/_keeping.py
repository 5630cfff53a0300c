"""The part of the contract about tokens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from .._errors import TokenStoreError
from .._stamp import Stamp
from .._token import Token
from ..stores._base import TokenStore
from ._base import Contract


class KeepingContract(Contract):
    """A store returns a token as it was saved."""

    def test_an_empty_store_has_no_token(self, store: TokenStore) -> None:
        """Absence is ``None`` and not an error."""
        assert store.load() is None
        assert list(store.candidates()) == []
        store.delete()
        assert store.load() is None

    def test_a_token_comes_back_as_it_was(self, store: TokenStore) -> None:
        """Every field and every unknown key survives the round trip."""
        store.save(self.token)

        found = self.twin(store).load()

        assert found == self.token
        assert found is not None
        assert dict(found.extra) == dict(self.token.extra)
        assert list(store.candidates()) == [self.token]

    def test_the_last_token_wins(self, store: TokenStore) -> None:
        """A store keeps one token."""
        store.save(self.token)
        later = Token("second", scope=self.token.scope)

        store.save(later)

        found = self.twin(store).load()
        assert found is not None
        assert found.access_token == "second"
        assert found.expires_at is None
        assert found.refresh_token is None

    def test_a_token_that_another_process_saved_is_seen(
        self, store: TokenStore
    ) -> None:
        """A store that was read before is read again."""
        other = self.twin(store)
        store.save(self.token)
        assert store.load() == self.token
        before = store.version()
        renewed = self.token.replace(access_token="renewed")

        other.save(renewed)

        assert store.load() == renewed
        assert before is None or store.version() != before
        other.delete()
        assert store.load() is None

    def test_a_token_can_be_deleted_twice(self, store: TokenStore) -> None:
        """The second deletion does nothing."""
        store.save(self.token)

        store.delete()
        store.delete()

        assert self.twin(store).load() is None

    def test_another_clients_token_stays(self, store: TokenStore) -> None:
        """Saving raises an error, and the token is still there."""
        mine = Stamp("me", "https://as.test/t", "tasks:read").put_on(self.token)
        theirs = Stamp("you", "https://as.test/t", "tasks:read").put_on(Token("b"))
        store.save(mine)

        refused = False
        try:
            store.save(theirs)
        except TokenStoreError:
            refused = True

        assert refused, "it was overwritten"
        assert store.load() == mine

    def test_space_is_reserved_for_a_token(self, store: TokenStore) -> None:
        """The store stays empty until the save, which then succeeds."""
        mine = Stamp("me", "https://as.test/t", "tasks:read").put_on(self.token)
        theirs = Stamp("you", "https://as.test/t", "tasks:read").put_on(Token("b"))

        with store.lock(0), store.reserve(theirs):
            assert store.load() is None
            store.save(mine)

        assert store.load() == mine
        refused = False
        try:
            with store.lock(0), store.reserve(theirs):
                pass
        except TokenStoreError:
            refused = True
        assert refused, "a person would sign on, and the token would be lost"

    def test_readers_never_see_half_a_token(self, store: TokenStore) -> None:
        """While others write, a reader gets the old token or the new one."""
        tokens = [Token(f"token-{n}" * 40) for n in range(4)]
        writers = [(self.twin(store), token) for token in tokens]
        reader = self.twin(store)
        store.save(tokens[0])
        seen = []

        with ThreadPoolExecutor(len(tokens)) as pool:
            # Four writers at once, and then the next four: the reader is not
            # starved, and every store is written equally often.
            for _ in range(25):
                saves = [pool.submit(mine.save, token) for mine, token in writers]
                while not all(save.done() for save in saves):
                    seen.append(reader.load())
                for save in saves:
                    save.result()

        assert all(token in tokens for token in seen)

    def test_threads_may_share_one_object(self, store: TokenStore) -> None:
        """They save and load at once, and no token is a mixture of two."""
        tokens = [Token(f"token-{n}" * 40) for n in range(4)]

        def work(token: Token) -> list[Token | None]:
            seen = []
            for _ in range(25):
                store.save(token)
                seen.append(store.load())
            return seen

        with ThreadPoolExecutor(len(tokens)) as pool:
            found = [seen for part in pool.map(work, tokens) for seen in part]

        assert all(token in tokens for token in found)

    def test_the_version_changes_with_the_content(self, store: TokenStore) -> None:
        """A waiting caller notices a new token without reading it."""
        before = store.version()

        self.twin(store).save(self.token)

        if before is not None or store.version() is not None:
            assert store.version() != before

    def test_nothing_secret_is_shown(self, store: TokenStore) -> None:
        """The repr of a store shows its place and no token."""
        store.save(self.token)

        assert self.token.access_token not in repr(store)
        assert "refresh-1" not in repr(store)

    def test_a_damaged_token_is_replaced(self, store: TokenStore) -> None:
        """It counts as absent, and the next token can be saved."""
        store.save(self.token)
        self.corrupt(store)

        assert store.load() is None
        store.save(self.token)
        assert self.twin(store).load() == self.token
