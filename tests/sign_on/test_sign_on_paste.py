"""What a person pastes: an address, part of one, an error, or something else."""

from __future__ import annotations

import io
import os
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pasting import REDIRECT_URI, REDIRECTED, console
from people import SECONDS, STATE, a_request, piped

from requests_ticktick._errors import (
    SignOnError,
    SignOnRequiredError,
)
from requests_ticktick._sign_on import ConsoleSignOn, paste
from requests_ticktick._sign_on.paste import problem_with, redirected_url

# -- what is pasted ------------------------------------------------------------


def test_the_url_is_shown_and_the_pasted_url_returned(person, capsys):
    """Standard output stays free for the program."""
    person.types(f"{REDIRECTED}\n")

    assert console(person)(a_request()) == REDIRECTED
    assert person.sees(a_request().url)
    assert person.sees(REDIRECT_URI)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("pasted", "returned"),
    [
        pytest.param(REDIRECTED, REDIRECTED, id="the whole address"),
        pytest.param(f"  {REDIRECTED} \t", REDIRECTED, id="spaces around it"),
        pytest.param(f"'{REDIRECTED}'", REDIRECTED, id="single quotes"),
        pytest.param(f'"{REDIRECTED}"', REDIRECTED, id="double quotes"),
        pytest.param(f"<{REDIRECTED}>", REDIRECTED, id="angle brackets"),
        pytest.param(f'<"{REDIRECTED}">', REDIRECTED, id="both"),
        pytest.param(f"` {REDIRECTED} `", REDIRECTED, id="backticks and spaces"),
        pytest.param(f"\u201c{REDIRECTED}\u201d", REDIRECTED, id="a writer's quotes"),
        pytest.param(
            f"\x1b[200~{REDIRECTED}\x1b[201~", REDIRECTED, id="a terminal's marks"
        ),
        pytest.param(f"code=abc123&state={STATE}", REDIRECTED, id="the query"),
        pytest.param(f"?code=abc123&state={STATE}", REDIRECTED, id="with its mark"),
        pytest.param(f"&code=abc123&state={STATE}", REDIRECTED, id="the query's rest"),
        pytest.param(
            f"app.example/callback?code=abc123&state={STATE}",
            REDIRECTED,
            id="an address whose scheme the browser hides",
        ),
        pytest.param(
            f"state={STATE}&iss=https://ticktick.example&code=abc123",
            f"{REDIRECT_URI}?state={STATE}&iss=https://ticktick.example&code=abc123",
            id="a query that holds an address",
        ),
        pytest.param(
            f"error=access_denied&state={STATE}",
            f"{REDIRECT_URI}?error=access_denied&state={STATE}",
            id="a refusal",
        ),
    ],
)
def test_the_address_is_accepted_as_pasted(pasted, returned):
    """Quotes, spaces and a missing scheme or host do not matter."""
    assert piped(f"{pasted}\n")(a_request()) == returned


def test_the_query_of_the_redirect_uri_is_kept():
    """The pasted query is added to it (RFC 6749 3.1.2)."""
    request = a_request(f"{REDIRECT_URI}?app=1")

    answer = piped(f"code=abc123&state={STATE}\n")(request)

    assert answer == f"{REDIRECT_URI}?app=1&code=abc123&state={STATE}"
    assert request.accepts(answer)


def test_a_bare_code_is_accepted_if_allowed():
    """For authorization pages that show nothing but the code."""
    request = a_request()

    answer = piped("'4/0Ab+c='\n", allow_bare_code=True)(request)

    assert request.code_from(answer) == "4/0Ab+c="


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        pytest.param("", "That was empty", id="nothing"),
        pytest.param(a_request().url, "address to open", id="the URL that was shown"),
        pytest.param(
            "https://ticktick.example/oauth/authorize?response_type=code&state=x",
            "address to open",
            id="an older URL",
        ),
        pytest.param("abc123", "the code alone", id="the code alone"),
        pytest.param(
            f"{REDIRECT_URI}?code=abc123", "its 'state'", id="no state: cut short"
        ),
        pytest.param(f"state={STATE}", "its 'code'", id="no code: cut short"),
        pytest.param(
            f"{REDIRECT_URI}?code=abc123&state=another",
            "belongs to another sign-on",
            id="another sign-on's",
        ),
        pytest.param(
            f"error=access_denied&state={STATE}x", "another sign-on", id="a refusal"
        ),
        pytest.param(REDIRECT_URI, "not an address with a code", id="no query"),
        pytest.param("what is this", "not an address with a code", id="a sentence"),
    ],
)
def test_a_wrong_paste_is_explained_and_asked_for_again(person, pasted, said):
    """The message says what the text was, and the next paste counts."""
    person.types(f"{pasted}\n{REDIRECTED}\n")

    assert console(person)(a_request()) == REDIRECTED
    assert person.sees(said)
    assert person.sees(f"The address begins with {REDIRECT_URI}")


CUT = f"{REDIRECTED[:40]}|{REDIRECTED[40:55]}|{REDIRECTED[55:]}"


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param(CUT.replace("|", "  "), id="spaces"),
        pytest.param(CUT.replace("|", "\t"), id="tabs"),
        pytest.param(CUT.replace("|", "\n"), id="line ends"),
        pytest.param(CUT.replace("|", "\r\n   "), id="line ends and margins"),
        pytest.param(CUT.replace("|", "\n\n"), id="empty lines between"),
        pytest.param(CUT.replace("|", " \u2502\n\u2502 "), id="a window's frame"),
        pytest.param(CUT.replace("|", "\u00ad\n"), id="soft hyphens"),
        pytest.param(CUT.replace("|", "\u200b"), id="zero-width spaces"),
        pytest.param(CUT.replace("|", "\u00a0"), id="spaces that do not break"),
        pytest.param(CUT.replace("|", "\u2028"), id="line separators"),
        pytest.param("\u2068" + CUT.replace("|", "") + "\u2069", id="isolates"),
        pytest.param("\ufeff" + REDIRECTED, id="a byte order mark"),
        pytest.param(f"\x1b[1m{REDIRECTED}\x1b[0m", id="colours"),
        pytest.param("\n".join(REDIRECTED[i : i + 9] for i in range(0, 99, 9)), id="9"),
        pytest.param(f"'{CUT}'".replace("|", "\n"), id="quoted"),
        pytest.param(f"> {CUT}".replace("|", "\n> "), id="a mail's quotation"),
        pytest.param(f"> > {CUT}".replace("|", "\r\n>> "), id="and its quotation"),
        pytest.param(CUT.replace("|", "\\\n"), id="a shell's continued lines"),
        pytest.param(CUT.replace("|", "`\r\n  "), id="PowerShell's"),
        pytest.param(CUT.replace("|", "^\n"), id="those of cmd"),
        pytest.param(f"Location: {CUT}".replace("|", "\n"), id="a header"),
        pytest.param(
            f"code=abc123&sta\nte={STATE[:5]}\n{STATE[5:]}", id="the query alone"
        ),
        pytest.param(
            f"{REDIRECTED[:-5]}\nwhat was that?\n{REDIRECTED}", id="and then as it is"
        ),
        pytest.param(f"{REDIRECTED[:40]}\n{REDIRECTED}", id="half of it, then all"),
    ],
)
def test_an_address_broken_into_lines_is_joined(pasted):
    """White space inside is removed and costs no try."""
    answer = piped(f"{pasted}\n")(a_request())

    assert a_request().code_from(answer) == "abc123"


@pytest.mark.parametrize(
    "pasted",
    [
        f"Location: {REDIRECTED}",
        f"< location: {REDIRECTED}",
        f"curl '{REDIRECTED}'",
        f"curl -sS --max-time 5 {REDIRECTED} -H 'Accept: */*'",
        f'curl "{REDIRECTED.replace("&", "^&")}" ^',
        f"curl --url={REDIRECTED} \\",
        f"open {REDIRECTED.replace('?', chr(92) + '?').replace('&', chr(92) + '&')}",
        f"[TickTick]({REDIRECTED})",
        f"[TickTick](<{REDIRECTED}>).",
        f'<a href="{REDIRECTED.replace("&", "&amp;")}">here</a>',
        f'{{"url": "{REDIRECTED.replace("&", chr(92) + "u0026")}"}}',
        f"It says: cannot connect to {REDIRECTED}.",
        f"> {REDIRECTED}",
        f"{REDIRECTED}{REDIRECTED}",
        f"here: {REDIRECTED}{REDIRECTED}",
        REDIRECTED.replace("&", "&#38;"),
        REDIRECTED.replace("&", "&#x26;"),
        REDIRECTED.replace("&", "&AMP;"),
        f"GET {REDIRECTED} HTTP/1.1",
        f"\u00ab{REDIRECTED}\u00bb",
        f"Is it this one? {REDIRECTED}",
    ],
)
def test_the_address_is_found_within_other_text(pasted):
    """Commands, headers, links and sentences: only one URL has this state."""
    assert piped(f"{pasted}\n")(a_request()) == REDIRECTED


def test_empty_lines_cost_no_try(person):
    """Pressing Enter while the browser loads is harmless."""
    person.types("\n" * 9 + f"{REDIRECTED}\n")

    assert console(person)(a_request()) == REDIRECTED
    assert person.sees("That was empty")
    assert piped("\n \n\t\n\n\n\n" + f"{REDIRECTED}\n")(a_request()) == REDIRECTED


@pytest.mark.parametrize("line", ["", "code=a", "Bad client credentials"])
def test_lines_that_cost_no_try_are_limited(line):
    """A program that writes them for ever fills no log."""
    with pytest.raises(SignOnError, match="Start again"):
        piped(f"{line}\n" * 1001)(a_request())


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        pytest.param(
            "Invalid redirect: https://x.example does not match one of the registered "
            "values: [https://y.example]",
            "must be equal letter for letter",
            id="another redirect URI",
        ),
        pytest.param(
            "At least one redirect_uri must be registered with the client.",
            f"add {REDIRECT_URI}",
            id="no redirect URI",
        ),
        pytest.param(
            "At least one redirect_uri must be regis\ntered with the client.",
            f"add {REDIRECT_URI}",
            id="a row that broke in a word",
        ),
        pytest.param(
            "At least one redirect_uri\n  must be registered with the client.",
            f"add {REDIRECT_URI}",
            id="a row that broke between words",
        ),
        pytest.param(
            "Bad client credentials", "Compare client_id", id="another client"
        ),
        pytest.param("Redirect URI mismatch", "letter for letter", id="other words"),
        pytest.param("invalid%20redirect", "letter for letter", id="escaped"),
        pytest.param("INVALID_CLIENT", "Compare client_id", id="capitals"),
        pytest.param(
            "No client with requested id: abc", "Compare client_id", id="no client"
        ),
        pytest.param(
            "HTTP Status 401 \u2013 Unauthorized", "Compare client_id", id="its 401"
        ),
        pytest.param("Invalid scope: tasks", "correct scope=", id="another scope"),
        pytest.param(
            '<p>error="invalid_client", <b>Bad\u00a0client credentials</b></p>',
            "Compare client_id",
            id="HTML",
        ),
    ],
)
def test_a_pasted_error_of_ticktick_s_is_explained(person, pasted, said):
    """TickTick does not redirect then. The message says what to change."""
    person.types(f"{pasted}\n")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(console(person, timeout=SECONDS), a_request())
        assert person.sees(said)
        assert not waiting.done()
        person.types(f"{REDIRECTED}\n")

        assert waiting.result(SECONDS) == REDIRECTED


def test_a_pasted_error_costs_no_try_and_is_repeated_at_the_end():
    """However often it is pasted, the final error has the next step."""
    text = "<h1>OAuth Error</h1>\nBad client credentials\n"

    assert piped(text * 4 + f"{REDIRECTED}\n")(a_request()) == REDIRECTED
    with pytest.raises(SignOnError, match=r"Compare client_id .*Start again"):
        piped(text * 5)(a_request())


def test_a_pasted_page_costs_one_try(person, monkeypatch):
    """A terminal delivers all its lines at once."""
    monkeypatch.setattr(paste, "PASTE_SECONDS", SECONDS)
    lines = [f"line {number} of a page" for number in range(30)]
    person.types("\n".join([*lines, "Bad client credentials", REDIRECTED, ""]))

    assert console(person)(a_request()) == REDIRECTED
    assert person.sees("Compare client_id")
    assert person.screen.count("That is not an address") == 1


def test_half_an_address_with_other_text_is_a_wrong_paste():
    """It is kept only for the rest of the address."""
    half = f"{REDIRECT_URI}?code=abc&state={STATE[:9]}"

    with pytest.raises(SignOnError, match="Start again"):
        piped(f"{half}\nwrong\n" * 5 + f"{REDIRECTED}\n")(a_request())


def test_an_overlong_partial_address_is_not_kept():
    """No address is that long."""
    half = f"{REDIRECT_URI}?code=" + "x" * 9000

    with pytest.raises(SignOnError, match="Start again"):
        piped(f"{half}\n" * 5)(a_request())


@pytest.mark.parametrize(
    "pasted", ["two words", "https://app.example/", "\x7f", "x" * 70_000]
)
def test_not_every_text_is_a_bare_code(pasted):
    """A code has no spaces and is not a URL."""
    assert redirected_url(pasted, a_request(), bare_code=True) is None


def test_a_few_wrong_pastes_end_the_sign_on():
    """After five wrong pastes the person has to start again."""
    sign_on = piped("wrong\n" * 5 + f"{REDIRECTED}\n")

    with pytest.raises(SignOnError, match="Start again"):
        sign_on(a_request())


# -- secrets -------------------------------------------------------------------


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param("SECRET\n" * 5, id="wrong, to the end"),
        pytest.param(f"{REDIRECT_URI}?code=SECRET&state=SECRET\n", id="then the end"),
        pytest.param(f"code=SECRET&state={STATE}x", id="without a line break"),
    ],
)
def test_pasted_text_is_in_no_traceback(pasted):
    """Neither in messages and chained errors nor in local variables."""
    reading, writing = os.pipe()
    os.write(writing, pasted.encode())
    os.close(writing)
    shown = io.StringIO()
    with open(reading) as stream:
        sign_on = ConsoleSignOn(input=stream, output=shown)

        with pytest.raises((SignOnError, SignOnRequiredError)) as raised:
            sign_on(a_request())

    seen = traceback.TracebackException.from_exception(
        raised.value, capture_locals=True
    )
    # The first frame is this test's own, which holds what it pastes.
    seen.stack.pop(0)
    assert "SECRET" not in "".join(seen.format())
    assert "SECRET" not in shown.getvalue()


TOKENS = """
code= state= error= response_type= & ? = :// http [ % %ff ' " < > #
"""


PIECES = st.one_of(
    st.sampled_from([*TOKENS.split(), STATE, "\x00", "\udcff", " "]),
    st.text(max_size=20),
)


# -- any text ------------------------------------------------------------------


@given(pasted=st.lists(PIECES, max_size=12).map("".join), bare_code=st.booleans())
def test_any_text_is_the_redirect_or_explained(pasted, bare_code):
    """Whatever is pasted gets one of the two answers."""
    request = a_request()
    began = time.thread_time()

    url = redirected_url(pasted, request, bare_code=bare_code)

    if url is None:
        assert problem_with(pasted, request).endswith(REDIRECT_URI)
    else:
        assert request.accepts(url)
    assert time.thread_time() - began < 1.0
