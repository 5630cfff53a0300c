"""A person at a terminal, and the address that is pasted there."""

from __future__ import annotations

from people import STATE

from requests_ticktick._sign_on import ConsoleSignOn

REDIRECT_URI = "https://app.example/callback"


REDIRECTED = f"{REDIRECT_URI}?code=abc123&state={STATE}"


def console(person, **options):
    return ConsoleSignOn(input=person.input, output=person.output, **options)
