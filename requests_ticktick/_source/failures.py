"""A failed renewal, as text that those who waited for it can read."""

from __future__ import annotations

import json
import math
import re
import secrets

from .. import _errors
from .._foreign import seconds
from .._stamp import Stamp
from .._value import Value
from .retold import broken_off, error_of, fields_of, kind_of, record_of

#: What is longer is no failure of ours, in characters.
_MAX_CHARACTERS = 65_536


class Failure(Value):
    """One failed renewal.

    :param error: What the others are to raise. In another process it is told
        in our own words: the text may be anybody's.
    :param asked: The fingerprint of the token that a person was asked to
        replace; ``None`` where nobody was asked.
    :param stamp: For whom it was: another client's may well succeed.
    :param at: When it failed, in epoch seconds.
    :param spent: The fingerprint of a refresh token that was used, and whose
        successor no store has.
    """

    __slots__ = ("_broken_off_by", "asked", "at", "error", "spent", "stamp")

    error: _errors.TickTickAuthError
    asked: str | None
    stamp: Stamp
    at: float
    spent: str | None
    _broken_off_by: str | None

    def __init__(
        self,
        error: BaseException,
        asked: str | None,
        stamp: Stamp,
        at: float = 0.0,
        spent: str | None = None,
    ) -> None:
        is_ours = isinstance(error, _errors.TickTickAuthError)
        self._set(
            error=shareable(error),
            asked=asked,
            stamp=stamp,
            at=at,
            spent=spent,
            _broken_off_by=None if is_ours else type(error).__name__,
        )

    def dump(self) -> str:
        """Return a text that no other failure has."""
        record = {"broken_off_by": self._broken_off_by, **record_of(self.error)}
        return json.dumps(
            {
                "id": secrets.token_hex(8),
                "error": record,
                "asked": self.asked,
                "stamp": self.stamp.__getstate__(),
                "at": self.at,
                "spent": self.spent,
            }
        )

    @classmethod
    def load(cls, text: str, place: str) -> Failure | None:
        """Read a text of :meth:`dump`; return ``None`` for any other text.

        :param place: The store, for the error message.
        """
        if len(text) > _MAX_CHARACTERS:
            return None
        try:
            record = json.loads(text)
            stamp, asked, spent = record["stamp"], record["asked"], record["spent"]
            if not all(isinstance(v, (str, bool, type(None))) for v in stamp.values()):
                return None
            if not all(_is_mark(mark) for mark in (asked, spent)):
                return None
            error = error_of(record["error"], place)
            at = seconds(record["at"], math.inf) or 0.0
            return cls(error, asked, Stamp(**stamp), at, spent)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            return None


def _is_mark(value: object) -> bool:
    """Whether a value is a fingerprint or absent."""
    if value is None:
        return True
    return isinstance(value, str) and bool(re.fullmatch("(?:[0-9a-f]{8})?", value))


def shareable(error: BaseException) -> _errors.TickTickAuthError:
    """Return an error that can be raised in another thread of this process.

    An object that is raised in several threads collects all their tracebacks.
    """
    if not isinstance(error, _errors.TickTickAuthError):
        return broken_off(type(error).__name__)
    copy = kind_of(error)(str(error))
    for name, value in fields_of(error).items():
        setattr(copy, name, value)
    return copy
