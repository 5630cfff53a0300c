"""Where the token may go, and who the client is."""

from __future__ import annotations

import pickle

import pytest

from requests_ticktick import (
    DIDA365,
    TICKTICK,
    InsecureTransportError,
    Service,
    SignOnRequiredError,
)
from requests_ticktick._client import Client
from requests_ticktick._urls import is_loopback

AUTHORIZE, TOKEN, API = "https://as.test/a", "https://as.test/t", "https://api.test"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.ticktick.com/open/v1/project", True),
        ("https://api.ticktick.com:443/open/v1/project", True),
        ("HTTPS://API.TickTick.com/open/", True),
        ("https://user:password@api.ticktick.com/open/", True),
        ("https://api.ticktick.com/open//evil.test/", True),
        ("https://api.ticktick.com/open/@evil.test/", True),
        ("https://api.ticktick.com/open/?x=1", True),
        ("http://api.ticktick.com/open/v1/project", False),
        ("https://api.ticktick.com:8443/", False),
        ("https://api.ticktick.com./", False),
        ("https://ticktick.com/", False),
        ("https://www.api.ticktick.com/", False),
        ("https://api.ticktick.com.evil.test/", False),
        ("https://api.ticktick.comevil.test/", False),
        ("https://api.ticktick.com@evil.test/", False),
        ("https://api.ticktick.com\\@evil.test/", False),
        ("https://api.ticktick.com%2f@evil.test/", False),
        ("https://evil.test/https://api.ticktick.com/", False),
        ("https://api.dida365.com/open/v1/project", False),
        ("https://[::1/", False),
        ("//api.ticktick.com/", False),
        ("/open/v1/project", False),
        ("", False),
        (None, False),
    ],
)
def test_the_token_is_sent_only_to_the_api_origin(url, allowed):
    """Scheme, host and port must match, however they are written."""
    assert TICKTICK.is_api_url(url) is allowed


def test_dida365_is_another_service():
    """It has accounts, apps and tokens of its own."""
    assert DIDA365.is_api_url("https://api.dida365.com/open/v1/project")
    assert DIDA365 != TICKTICK


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.9.1"])
def test_plain_http_is_for_loopback_addresses(host):
    """A proxy or test on this machine needs no certificate."""
    base = f"http://{host}:8080"

    service = Service(f"{base}/a", f"{base}/t", [base])

    assert service.is_api_url(f"{base}/open/v1")


@pytest.mark.parametrize(
    "url",
    [
        "http://as.test/a",
        "http://127.0.0.1.evil.test/",
        "http://127.evil.test/",
        "http://localhost.evil.test/",
        "http://2130706433/",
        "http://[::ffff:10.0.0.1]/",
        "ftp://127.0.0.1/",
        "127.0.0.1:8080",
        "https://",
        "https://[::1",
        "",
    ],
)
def test_an_insecure_address_is_refused(url):
    """Neither an endpoint nor an origin may get a secret in clear text."""
    for addresses in (
        (url, TOKEN, API),
        (AUTHORIZE, url, API),
        (AUTHORIZE, TOKEN, url),
    ):
        with pytest.raises(InsecureTransportError, match="https"):
            Service(*addresses)
    with pytest.raises(InsecureTransportError):
        Service(AUTHORIZE, TOKEN, API, revocation_endpoint=url)


def test_an_insecure_address_is_named_without_its_secrets():
    """The message has neither the user info nor the query."""
    with pytest.raises(InsecureTransportError) as caught:
        Service("http://me:hunter2@as.test/a?key=hunter3", TOKEN, API)

    assert "as.test" in str(caught.value)
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("https://api.test/open/v1", "must end in a slash"),
        ("https://api.test/open/../v1/", "have no '..'"),
        ("https://api.test/open/%2e%2e/", "have no '..'"),
        ("https://api.test/open/?x", "with more"),
        ("https://api.test?x", "with more"),
        ("https://api.test/#", "with more"),
        ("https://u@api.test", "with more"),
    ],
)
def test_an_api_origin_is_an_origin_or_ends_in_a_slash(origin, said):
    """Without the slash, ``/open`` would include ``/openness``."""
    with pytest.raises(ValueError, match=said):
        Service(AUTHORIZE, TOKEN, [origin])


def test_a_service_has_an_api():
    """The token has to go somewhere."""
    with pytest.raises(ValueError, match="at least one origin"):
        Service(AUTHORIZE, TOKEN, [])


def test_one_origin_needs_no_list():
    """A string is one origin and not a list of characters."""
    assert Service(AUTHORIZE, TOKEN, API + "/").api_origins == (API,)
    assert Service(AUTHORIZE, TOKEN, API + ":443/o//").api_origins == (API + "/o/",)


def test_unknown_methods_are_refused():
    """``plain`` protects nothing (RFC 9700), and a typo does not either."""
    with pytest.raises(ValueError, match="S256"):
        Service(AUTHORIZE, TOKEN, API, code_challenge_method="plain")
    with pytest.raises(ValueError, match="client_secret_basic"):
        Service(AUTHORIZE, TOKEN, API, token_endpoint_auth_method="basic")


def test_a_service_is_a_value():
    """It can be compared, hashed and pickled. Its repr shows its address."""
    one = Service(AUTHORIZE, TOKEN, API, extra_authorization_params={"prompt": "x"})
    other = pickle.loads(pickle.dumps(one))

    assert one == other
    assert len({one, other}) == 1
    assert one != Service(AUTHORIZE, TOKEN, API)
    assert dict(one.extra_authorization_params) == {"prompt": "x"}
    assert repr(one) == f"<Service {AUTHORIZE}>"


def test_a_client_reads_the_environment_when_needed(monkeypatch):
    """Not when the client is created."""
    client = Client()
    monkeypatch.setenv("TICKTICK_CLIENT_ID", "env-id")
    monkeypatch.setenv("TICKTICK_CLIENT_SECRET", "env-secret")
    monkeypatch.setenv("TICKTICK_REDIRECT_URI", "http://localhost:1/")

    assert client.require_id() == "env-id"
    assert client.require_secret() == "env-secret"
    assert client.redirect_uri == "http://localhost:1/"
    assert b"env-secret" not in pickle.dumps(client)
    assert Client("id", "secret", "uri").require_id() == "id"


#: What people, shells and editors put around a value.
AROUND = [
    *("{}\n", "{}\r", "{}\r\n", " {}\t", "\n{}\n"),
    *('"{}"', "'{}'", "'{}'\r\n", '" {} "', "\u201c{}\u201d", "\u2018{}\u2019"),
    *("\u201e{}\u201c", "\u201a{}\u2018", "\u00ab{}\u00bb", "`{}`"),
    *("\ufeff{}", "\u00ef\u00bb\u00bf{}", '\ufeff"{}"\r\n', "{}\u200b", "\u00a0{}"),
]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("variable", [True, False], ids=["variable", "argument"])
def test_quotes_and_white_space_around_a_value_are_removed(
    monkeypatch, around, variable
):
    """So are line ends and a BOM (RFC 6749 A.1 and A.2)."""
    values = [around.format(v) for v in ("an-id", "^(s)%/!*&~'", "http://[::1]:1/cb")]
    if variable:
        for name, value in zip(
            ("CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI"), values, strict=True
        ):
            monkeypatch.setenv(f"TICKTICK_{name}", value)
    client = Client() if variable else Client(*values)

    assert client.require_id() == client.client_id == "an-id"
    assert client.require_secret() == client.client_secret == "^(s)%/!*&~'"
    assert client.redirect_uri == "http://[::1]:1/cb"


@pytest.mark.parametrize("blank", ["", " ", "\r\n", "''", '" "', "\ufeff"])
def test_an_empty_value_counts_as_missing(monkeypatch, blank):
    """Then the variable applies."""
    assert Client(blank, blank, blank).redirect_uri is None
    with pytest.raises(SignOnRequiredError, match="TICKTICK_CLIENT_SECRET"):
        Client("id", blank).require_secret()
    monkeypatch.setenv("TICKTICK_CLIENT_ID", "of-the-variable")
    assert Client(blank).require_id() == "of-the-variable"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        *((text, "line break") for text in ("a\nb", "a\r\nb", "a\tb", "a\u200bb")),
        *((text, "line break") for text in ("a\ud800", "\udcff\udcfea")),
        *((t, "stands for no value") for t in ("None", "null", "undefined", "N/A")),
        *((t, "stands for no value") for t in ("(null)", "nil", "unset", "FALSE")),
        *(
            (t, "was not filled in")
            for t in ("${ID}", "{{ id }}", "<your-id>", "%{ID}")
        ),
        *((t, "was not filled in") for t in ("$CLIENT_ID", "%CLIENT_ID%", "$(id.sh)")),
        *(
            (t, "was not filled in")
            for t in ("changeme", "CHANGE-ME", "your_client_id")
        ),
        *((t, "was not filled in") for t in ("xxxxxxxx", "....", "***", "__SECRET__")),
        *((t, "was not filled in") for t in ("TODO", "ticktick_client_id", "paste_it")),
        *((t, "a comment") for t in ("an-id # of my app", "an-id #1")),
        *((t, "variable's name") for t in ("TICKTICK_CLIENT_ID=an-id",)),
        *((t, "variable's name") for t in ("export TICKTICK_CLIENT_SECRET = it",)),
    ],
)
def test_an_impossible_credential_is_reported(value, problem, secrets):
    """Before a person is asked, and without quoting it."""
    with pytest.raises(SignOnRequiredError, match=r"TICKTICK_CLIENT_ID") as caught:
        Client(value).require_id()
    assert problem in str(caught.value)
    assert value not in str(caught.value)
    with pytest.raises(SignOnRequiredError, match=problem):
        Client("id", value).require_secret()


def test_an_address_without_a_host_is_not_this_machine():
    """A URL may have no host."""
    assert not is_loopback(None)


def test_a_missing_credential_is_named():
    """The error names the parameter and the variable."""
    with pytest.raises(SignOnRequiredError, match=r"client_id=.*TICKTICK_CLIENT_ID"):
        Client().require_id()
    with pytest.raises(SignOnRequiredError, match=r"TICKTICK_CLIENT_SECRET"):
        Client("id").require_secret()
    assert Client().redirect_uri is None


def test_a_client_does_not_show_its_secret(secrets):
    """Its repr has only the id."""
    secrets.add("hunter2")

    assert "hunter2" not in repr(Client("id", "hunter2"))
