"""The library's advice, in the words of the command line.

The library's errors tell a program's author what to pass to which function.
Whoever runs the command can pass options alone.
"""

from __future__ import annotations

import re

#: What a program passes, and the options that do the same.
_OPTIONS = {
    "client_id": "--client-id",
    "client_secret": "--client-secret-file",
    "redirect_uri": "--redirect-uri",
    "scope": "--scope",
}

#: Patterns and what takes their place, the longer ones first.
_WORDS: tuple[tuple[str, str], ...] = (
    (r"call auth\.forget\(\) \(or run: (.*?)\)", r"run: \1"),
    (r"call auth\.forget\(\)", "run: requests-ticktick logout"),
    (r"[Cc]all auth\.revoke\(\)", "run: requests-ticktick logout --revoke"),
    (r"auth\.sign_on\(\) does at once", "requests-ticktick login does at once"),
    (
        r"auth\.sign_on\(\) gets a token for this process at once",
        "requests-ticktick login --file PATH keeps one elsewhere",
    ),
    (r"call auth\.sign_on\(\)", "run: requests-ticktick login"),
    (r"scope=\.\.\. \(--scope\)", "--scope"),
    (r"(?:pass|Pass) client_secret=\.\.\. or set", "pass --client-secret-file or set"),
    (r", in a program sign_on=ConsoleSignOn\(\)", ""),
    (r" In a notebook, pass sign_on=ConsoleSignOn\(\)\.", ""),
    (
        r"(?:with|pass) sign_on=ConsoleSignOn\(\)",
        "with requests-ticktick login --console",
    ),
    (r"with (?:Console|Loopback)SignOn\(timeout=\.\.\.\)", "with --timeout"),
    (
        r": TickTickAuth\(client_id, client_secret, redirect_uri\)",
        " with --client-id and --client-secret-file",
    ),
    (r", or choose that service: TickTickAuth\(service=(\w+)\)", ""),
    (
        r", such as FileStore\(profile='\.\.\.'\)",
        ", such as --profile NAME or --file PATH",
    ),
    (
        r"Put a store that can be written behind it: .*FileStore\(\)\]\)",
        "Unset it, or choose a file with --file",
    ),
    (r"use FileStore\(\)", "keep the token in a file, without --store"),
    (r"RedisStore\(when_down='memory'\) goes on without it\.", "Start Redis again."),
    (r": keep plain data alone in Token\(extra=\.\.\.\)", ": sign on again"),
    (r"choose another(?: name)? \(table=\.\.\.\)", "choose another database"),
    (r", and the session passed as session=", ""),
    (r", or the session's proxies", ""),
    (r", or correct the session's verify", ""),
    (r"Correct the session's cert\.", "Correct REQUESTS_CA_BUNDLE."),
    (r"Mend what was passed as sign_on, then", "Then"),
    (r"JSON or a dict literal with an 'access_token'", "the JSON of a token"),
    # What an object calls itself.
    (r"FileStore\('([^']*)'\)", r"\1"),
    (r"EnvStore\('([^']*)'\)", r"$\1"),
    (r"KeyringStore\('([^']*)', '([^']*)'\)", r"\1/\2 in the keychain"),
    (r"RedisStore\(\.\.\., '([^']*)'\)", r"\1 in Redis"),
    (r"MemoryStore\(.*?\)", "the memory of this command"),
    # Whatever of these is left.
    *((rf"\b{name}=\.\.\.", option) for name, option in _OPTIONS.items()),
    *((rf"as {name}\b", f"with {option}") for name, option in _OPTIONS.items()),
    # The service's own text has it with "must".
    (r"(?<![\w.'])redirect_uri\b(?! must)", "redirect URI"),
    (r"(?<![\w.'-])client_id(?![\w=(])", "client id"),
    (r"(?<![\w.'-])client_secret(?![\w=(])", "client secret"),
)

_COMPILED = [(re.compile(pattern), words) for pattern, words in _WORDS]


def in_plain_words(text: str) -> str:
    """Return an error or a warning of the library, without Python in it."""
    for pattern, words in _COMPILED:
        text = pattern.sub(words, text)
    return text
