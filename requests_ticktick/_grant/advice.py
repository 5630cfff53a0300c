"""What to do about the errors of a service."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

#: RFC 6749 5.2: errors that a retry with the same refresh token cannot change.
_FINAL_REFRESH_ERRORS = frozenset(
    {
        "invalid_grant",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)

#: The advice on a client that is not accepted.
CLIENT_ADVICE = (
    "Compare client_id and client_secret with your app's page in TickTick's "
    "developer portal, and check that the service (TickTick or Dida365) is the one "
    "that it was registered with."
)

#: The same, where no secret was sent.
SECRET_ADVICE = (
    "No client_secret is configured, so none was sent, and that is the likely cause: "
    "copy the secret from your app's page in TickTick's developer portal into "
    "client_secret=... or TICKTICK_CLIENT_SECRET. If the app has none, compare its "
    "client_id, and check the service (TickTick or Dida365)."
)


def asks_secret(text: str) -> bool:
    """Whether an error text says that a client secret is missing."""
    text = text.lower()
    return any(
        words in text
        for words in ("client_secret", "client secret", "client authentication")
    )


def hint(text: str, redirect_uri: str) -> str | None:
    """Return the advice on a known error text, or ``None``.

    Most problems that users of other clients report are among these. They are
    written with spaces, underscores, percent escapes or in capitals.

    :param redirect_uri: The client's redirect URI, which the advice names.
    """
    text = re.sub(r"[\W_]+", " ", unquote_plus(text)).lower()
    if "redirect uri must be registered" in text:
        return (
            f"Your app has no redirect URI: add {redirect_uri} to it in TickTick's "
            "developer portal."
        )
    if re.search("invalid redirect|registered values|redirect uri mismatch", text):
        return (
            f"The redirect URI {redirect_uri} is not the one that your app has in "
            "TickTick's developer portal. They must be equal letter for letter: "
            "scheme, host (localhost is not 127.0.0.1), port and trailing slash."
        )
    if re.search("bad client|invalid client|no client with|http status 401", text):
        return CLIENT_ADVICE
    if "invalid scope" in text:
        return (
            "The service does not grant these scopes to your app: correct scope=... "
            "(--scope), then sign on again."
        )
    return None


def denial_advice(error: str | None) -> str:
    """Return the advice on an error of the authorization endpoint.

    :param error: RFC 6749 4.1.2.1.
    """
    if error in ("server_error", "temporarily_unavailable"):
        return "Wait a minute, then sign on again."
    return "Sign on again, and allow access."


def ends_refreshing(error: str | None, description: str | None) -> bool:
    """Whether a refresh token is of no use any more."""
    # Dida365 reports an unsupported grant type as an invalid client.
    return error in _FINAL_REFRESH_ERRORS or "grant type" in (description or "")


def explained(error: Exception) -> str:
    """Return why no response came, and the advice.

    :param error: An error of requests, an adapter or the user's session.
    """
    try:
        from .no_response import explain
    except ImportError:
        return (
            f"({type(error).__name__}): Python is exiting. Request the token earlier."
        )
    return explain(error)
