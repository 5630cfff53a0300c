"""A failed renewal, as text that those who waited for it can read."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .. import errors
from .._value import Value
from ..owner import Owner

_FIELDS = (
    "error",
    "description",
    "status_code",
    "retry_after",
    "location",
    "holder",
)


class Failure(Value):
    """One failed renewal.

    :param error: What the others are to raise.
    :param asked: The fingerprint of the token that a person was asked to
        replace; ``None`` where nobody was asked.
    :param owner: Whose renewal it was: another's may well succeed.
    """

    __slots__ = ("asked", "error", "owner")

    error: errors.TickTickAuthError
    asked: str | None
    owner: Owner

    def __init__(self, error: BaseException, asked: str | None, owner: Owner) -> None:
        self._set(error=shareable(error), asked=asked, owner=owner)

    def dump(self) -> str:
        """Return text that is unlike any other failure's."""
        return json.dumps(
            {
                "id": secrets.token_hex(8),
                "error": _dump(self.error),
                "asked": self.asked,
                "owner": self.owner.__getstate__(),
            },
            default=lambda _: None,  # of an error of somebody else's making
        )

    @classmethod
    def load(cls, text: str) -> Failure | None:
        """Read what :meth:`dump` gave; ``None`` where it is something else."""
        try:
            record = json.loads(text)
            owner = Owner(**record["owner"])
            return cls(_load(record["error"]), record["asked"], owner)
        except (ValueError, KeyError, TypeError, RecursionError):
            return None


def shareable(error: BaseException) -> errors.TickTickAuthError:
    """Return an error that can be raised in another thread or process.

    One object raised in several threads would gather all their tracebacks.
    """
    if isinstance(error, errors.TickTickAuthError):
        return _load(_dump(error))
    return errors.SignOnError(
        f"The sign-on that this one waited for was broken off "
        f"({type(error).__name__}): try again."
    )


@contextmanager
def only_our_errors() -> Iterator[None]:
    """Let nothing out that is not one of ours, but for Ctrl-C and its like.

    :raises TickTickAuthError: Something else was raised, which is its cause.
    """
    try:
        yield
    except errors.TickTickAuthError:
        raise
    except Exception as error:
        raise errors.TickTickAuthError(
            f"Getting a token ended in {type(error).__name__}, which is this error's "
            "__cause__ and has the traceback. A token store of your own should raise "
            "TokenStoreError."
        ) from error


def _dump(error: errors.TickTickAuthError) -> dict[str, Any]:
    fields = {name: getattr(error, name, None) for name in _FIELDS}
    return {"type": type(error).__name__, "message": str(error), **fields}


def _load(record: dict[str, Any]) -> errors.TickTickAuthError:
    kind = getattr(errors, str(record["type"]), errors.SignOnError)
    if not (isinstance(kind, type) and issubclass(kind, errors.TickTickAuthError)):
        kind = errors.SignOnError
    error = kind(str(record["message"]))
    for name in _FIELDS:
        if hasattr(error, name):
            setattr(error, name, record.get(name))
    return error
