"""Bad input, as much of it as is wanted: each piece by its seed and number."""

from __future__ import annotations

import json
import os
import random
import secrets
import time

import pytest

#: Whoever reports a failure gives this; whoever mends it sets it.
VARIABLE = "FUZZ_SEED"
SEED = os.environ.get(VARIABLE) or secrets.token_hex(8)

#: Seconds of processor time that one input may take.
AT_MOST = 1.0

#: Characters, but for the megabytes among the oddities: those take their time.
_LONGEST = 50_000

_ODD = [
    *("\0", "\x07", "\x1b[31m", "\r\n", "\x1f", "\x7f", "\x85", "\u2028", "\u202e"),
    *(
        "\ud800",
        "\udfff",
        "\udc80",
        "\ufeff",
        "\ufffe",
        "\U0010ffff",
        "é",
        "💩",
        "\u0661",
    ),
    *(
        "'",
        '"',
        "\\",
        "`",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ",",
        ":",
        "#",
        "\\N{DIGIT ONE}",
    ),
    *(
        "&",
        "=",
        "?",
        "%",
        "%00",
        "%0d%0a",
        "%ff",
        "%u0041",
        "+",
        ";",
        "//",
        "@",
        "\\u0000",
    ),
    *(
        "null",
        "NaN",
        "-Infinity",
        "1e999",
        "-0",
        "0x",
        "True",
        "None",
        "b''",
        "lambda:",
    ),
]

_NAMES = [
    *("access_token", "token_type", "expires_in", "expires_at", "expire_time"),
    *("issued_at", "refresh_token", "scope", "readable_expire_time", "client_id"),
    *("error", "error_description", "code", "state", "url", "redirect_uri", "x", ""),
]

_VALUES = [
    *(None, True, False, 0, -1, 0.5, 3600, 15551999, 2**63, 10**30, 10**400, -(10**15)),
    *(
        1.7e308,
        -1.7e308,
        1e-320,
        float("nan"),
        float("inf"),
        "",
        " ",
        "3600",
        "-5",
        "1e5",
    ),
    *(
        "bearer",
        "Bearer",
        "mac",
        "a b",
        "a\n",
        "tp_0123456789abcdef",
        "é",
        "\ud800",
        "\0",
    ),
    *("tasks:read tasks:write", "invalid_grant", "x" * 5000, "9" * 5000, [], {}, [[]]),
]

BOMBS = [
    opening * depth + middle + closing * depth
    for depth in (40, 400, 4000, 40_000)
    for opening, middle, closing in [
        ("[", "", "]"),
        ("[", "", ""),
        ('{"x":', "1", "}"),
        ('{"access_token":', "", ""),
        ('{"access_token":"a","x":' + "[" * 9, "1", "]" * 9 + "}"),
        ("{'x':", "1", "}"),
        ("{'access_token':'a','x':(", "1", ",)}"),
        ("{'access_token': 'a', 'x': ", "-1", "}"),
        ("(", "", ")"),
        ("-", "1", ""),
        ("1+", "1", ""),
        ("'", "", ""),
        ("x&", "", ""),
        ("code=a&", "", ""),
        ("%25", "", ""),
        ("\\", "", ""),
    ]
]

ODDITIES = [
    "",
    " ",
    "\0",
    "\ufeff",
    "null",
    "{}",
    "[]",
    '"text"',
    '{"access_token":"a","access_token":"b"}',
    '{"access_token":"a","access_token":null}',
    '{"access_token":"a","expires_in":1,"expires_in":"2"}',
    "{'access_token':'a','access_token':'b'}",
    "{'access_token': 'a', 'x': b'y', 5: {1, 2}}",
    "{'access_token': 'a', (1, 2): 3}",
    "{'access_token': 'a', 'x': {(1, 2): 3}}",
    "{'access_token': 'a', []: 1}",
    "{'access_token': 'a', 'x': f()}",
    '{"access_token":"a","expires_in":"0\\u001f"}',
    "{'access_token': 'a', 'x': 0x" + "f" * 20_000 + "}",
    "{'access_token': 'a', 'x': " + "9" * 20_000 + "}",
    '{"access_token":"a","x":' + "9" * 4299 + "}",
    '{"access_token":"a","x":' + "9" * 1_000_000 + "}",
    '{"access_token":"a","expires_in":1' + "0" * 400 + "}",
    '{"access_token":"a","expires_at":1.7e308,"issued_at":-1.7e308}',
    '{"access_token":"a","scope":"\\ud800"}',
    '{"access_token":"' + "a" * 3_000_000 + '"}',
    '{"access_token":"a","x":"' + "é" * 1_000_000 + '"}',
    "a" * 3_000_000,
    " " * 3_000_000,
    "&" * 1_000_000,
    "\n" * 1_000_000,
    "state=" * 300_000,
]

ENCODINGS = ["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"]


class Fuzzer:
    """Makes texts and bytes for one target, out of good ones.

    :param target: Its name.
    :param good: What the target accepts.
    :param odd: What it must have seen, besides what all must have seen.
    """

    def __init__(self, target, good, odd):
        self.target = target
        self.good = good
        self.known = [*good, *odd, *ODDITIES, *BOMBS]

    def text(self, number):
        """Make the input of this number, and of this run's seed."""
        if number < len(self.known):
            return self.known[number]
        dice = random.Random(f"{SEED} {self.target} {number}")
        if dice.random() < 0.3:
            value = _value(dice, 4)
            return repr(value) if dice.random() < 0.5 else json.dumps(value)
        text = dice.choice(self.good)
        for _ in range(dice.randint(1, 6)):
            text = self._mutated(text, dice)
        return text

    def bytes(self, number):
        """Make it as bytes, in one encoding or another, and not always whole."""
        dice = random.Random(f"{SEED} {self.target} {number} bytes")
        text = self.text(number)
        data = bytearray(text.encode(dice.choice(ENCODINGS), "surrogatepass"))
        while data and dice.random() < 0.4:
            at = dice.randrange(len(data))
            if dice.random() < 0.5:
                data[at] = dice.randrange(256)
            else:
                del data[at : at + dice.choice([1, 2, 100, len(data)])]
        return bytes(data)

    def _mutated(self, text, dice):
        begin, end = sorted(dice.randrange(len(text) + 1) for _ in range(2))
        part = dice.choice(
            [
                *("", text[begin:end] * 2, text[begin:end][:50] * dice.randint(3, 300)),
                *(dice.choice(_ODD), dice.choice(_ODD) * dice.randint(1, 50)),
                *(dice.choice(self.good), json.dumps(_value(dice, 2))),
                *(
                    text[begin:end][::-1],
                    dice.choice(_NAMES),
                    str(dice.choice(_VALUES)),
                ),
            ]
        )
        return (text[:begin] + part + text[dice.choice([begin, end]) :])[:_LONGEST]


def _value(dice, depth):
    kind = dice.random()
    if depth == 0 or kind < 0.2:
        return dice.choice(_VALUES)
    if kind < 0.35:
        return [_value(dice, depth - 1) for _ in range(dice.randrange(4))]
    names = dice.sample(_NAMES, dice.randrange(8))
    fields = {name: _value(dice, dice.randrange(depth)) for name in names}
    if dice.random() < 0.7:
        fields["access_token"] = dice.choice(["a", "tp_01", "a.b-c", "a b", None])
    return fields


def run(target, cases):
    """Try the cases, each a callable without arguments.

    One that raises, or takes too long, fails the test with its number.
    """
    for number, (shown, attempt) in enumerate(cases):
        began = time.thread_time()
        try:
            attempt()
            took = time.thread_time() - began
            assert took < AT_MOST, f"it took {took:.1f} s"
        except Exception as error:
            text = repr(shown)
            pytest.fail(
                f"{target} {number} with {VARIABLE}={SEED}: "
                f"{type(error).__name__}: {str(error)[:500]}\n"
                f"{len(text)} characters: {text[:300]}",
                pytrace=True,
            )
