"""Another process's error, raised again with messages of our own.

Any program that can write to the store can write such a record. The record
only says *which* error it was. Its message comes from here.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Mapping
from typing import Any

from .. import _errors
from .._foreign import one_line, seconds
from .._grant.advice import denial_advice, hint
from ..stores._base import UnsavedError

#: The message of each error for the processes that waited.
_MESSAGES: Mapping[type[_errors.TickTickAuthError], str] = {
    _errors.TickTickAuthError: (
        "The renewal that this one waited for failed. Try again, or run: "
        "requests-ticktick login"
    ),
    _errors.SignOnRequiredError: (
        "The process that this one waited for had nobody to ask. Run: "
        "requests-ticktick login"
    ),
    _errors.SignOnError: (
        "The sign-on that this one waited for failed, and said why where it was made. "
        "Try again, or run: requests-ticktick login"
    ),
    _errors.AuthorizationDeniedError: "Access was not granted",
    _errors.StateMismatchError: (
        "The sign-on that this one waited for got the redirect of another sign-on. "
        "Start again, and use the address that was shown last."
    ),
    _errors.SignOnTimeoutError: (
        "Nobody finished the sign-on that this one waited for in time. Start again "
        "and finish in the browser, or allow more time with "
        "LoopbackSignOn(timeout=...). If its page spoke of the redirect URI, register "
        "exactly the one in use in TickTick's developer portal."
    ),
    _errors.TokenEndpointError: "The token endpoint answered with HTTP status",
    _errors.RegistrationError: (
        "The sign-on that this one waited for could not register a client. Try again "
        "in a minute, or register an app in TickTick's developer portal and pass its "
        "client id."
    ),
    _errors.RevocationError: (
        "Another process could not revoke the token, which is still there. Call "
        "auth.revoke() again."
    ),
    _errors.InvalidTokenError: (
        "The sign-on that this one waited for did not return a token. Sign on again."
    ),
    _errors.TokenStoreError: (
        "The process that this one waited for could not use {place}. Run: "
        "requests-ticktick status"
    ),
    UnsavedError: (
        "The process that this one waited for has a token now, and could not save it "
        "in {place}. Make that place writable. auth.sign_on() gets a token for this "
        "process at once."
    ),
    _errors.LockTimeoutError: (
        "Another process has been signing on for too long. Finish or stop the sign-on "
        "there, then try again."
    ),
    _errors.InsecureTransportError: (
        "A secret would have been sent without encryption. Use https:// addresses."
    ),
}
_KINDS = {kind.__name__: kind for kind in _MESSAGES}

#: Messages of TickTick's servers that are passed on, with the words that our
#: advice uses in place of the redirect URI.
_KNOWN = {
    "At least one redirect_uri must be registered with the client.": "the one in use",
    "Invalid redirect": "in use",
    "Bad client credentials": "",
}

#: The longest wait that a message names, in seconds.
_MAX_WAIT_SECONDS = 86_400.0


def kind_of(error: _errors.TickTickAuthError) -> type[_errors.TickTickAuthError]:
    """Return the class of ours that an error derives from."""
    return next(kind for kind in type(error).__mro__ if kind in _MESSAGES)


def fields_of(error: _errors.TickTickAuthError) -> dict[str, Any]:
    """Return an error's fields, without its message."""
    return {name: getattr(error, name) for name in _CHECKS if hasattr(error, name)}


def broken_off(by: str) -> _errors.SignOnError:
    """Return the error for those who waited for an interrupted sign-on.

    :param by: The name of the exception that interrupted it.
    """
    return _errors.SignOnError(
        f"The sign-on that this one waited for was broken off ({by}): try again."
    )


def record_of(error: _errors.TickTickAuthError) -> dict[str, Any]:
    """Return an error as plain data, without its message."""
    fields = {**fields_of(error), "description": _known_words(error)}
    checked = {name: _CHECKS[name](value) for name, value in fields.items()}
    return {"type": kind_of(error).__name__, **checked}


def error_of(record: Mapping[str, object], place: str) -> _errors.TickTickAuthError:
    """Return the error that a record stands for, whoever wrote the record.

    :param place: The store, for the message.
    """
    by = record.get("broken_off_by")
    if by is not None:
        known = getattr(builtins, str(by), None)
        is_one = isinstance(known, type) and issubclass(known, BaseException)
        return broken_off(str(by) if is_one else "another error")
    kind = _KINDS.get(str(record.get("type")), _errors.SignOnError)
    fields = {name: check(record.get(name)) for name, check in _CHECKS.items()}
    message = _MESSAGES[kind].replace("{place}", place)
    if kind is _errors.AuthorizationDeniedError:
        message = _denied(fields)
    elif kind is _errors.TokenEndpointError:
        message = _refused(fields)
    error = kind(message)
    for name, value in fields.items():
        if hasattr(error, name):
            setattr(error, name, value)
    return error


def _denied(fields: Mapping[str, Any]) -> str:
    said = _quoted(fields)
    advice = _hint(fields) or denial_advice(fields["error"])
    return f"{_MESSAGES[_errors.AuthorizationDeniedError]}{said}. {advice}"


def _refused(fields: Mapping[str, Any]) -> str:
    status, wait = fields["status_code"], fields["retry_after"]
    if status is None:
        return (
            "No response came from the token endpoint. Check the network, proxy and "
            "certificate settings, then try again."
        )
    if status == 429 or status >= 500:
        pause = "a minute" if wait is None else f"{wait:.0f} s"
        advice = f"Wait {pause}, then try again."
    elif fields["error"] == "invalid_grant":
        advice = "The code has expired or has already been used: sign on again."
    elif status in (401, 403):
        advice = str(hint("invalid_client", ""))
    else:
        advice = "Check the service's token_endpoint, then sign on again."
    advice = _hint(fields) or advice
    told = _MESSAGES[_errors.TokenEndpointError]
    return f"{told} {status} and an error{_quoted(fields)}. {advice}"


def _quoted(fields: Mapping[str, Any]) -> str:
    words = [text for text in (fields["error"], fields["description"]) if text]
    return f" ({': '.join(words).rstrip('.')})" if words else ""


def _hint(fields: Mapping[str, Any]) -> str | None:
    """Return our advice on a message of TickTick's, without redirect URI."""
    words = fields["description"] or ""
    return hint(f"{fields['error']} {words}", _KNOWN.get(words, ""))


def _known_words(error: _errors.TickTickAuthError) -> str | None:
    """Return the known message that a server's message corresponds to."""
    fields = fields_of(error)
    said = hint(f"{fields.get('error')} {fields.get('description')}", "")
    return next((words for words in _KNOWN if hint(words, "") == said), None)


def _error_code(value: object) -> str | None:
    """Return an error code that looks like those of RFC 6749 5.2."""
    fits = isinstance(value, str) and re.fullmatch("[a-z_]{1,40}", value)
    return str(value) if fits else None


def _status(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 100 <= value <= 599 else None


def _pause(value: object) -> float | None:
    found = seconds(value, float("inf"))
    return None if found is None else min(found, _MAX_WAIT_SECONDS)


#: Checks the value of each field.
_CHECKS: Mapping[str, Callable[[object], Any]] = {
    "error": _error_code,
    "description": lambda value: next((w for w in _KNOWN if w == value), None),
    "status_code": _status,
    "retry_after": _pause,
    "location": one_line,
    "holder": one_line,
}
