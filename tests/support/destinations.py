"""Servers, redirects, proxies and names: everywhere a request can go."""

from __future__ import annotations

import socket
from itertools import pairwise

import requests
from wire_servers import (
    TOKENS,
    Answer,
    Net,
    Proxy,
    Server,
    server_context,
)

API = "https://api.sandbox.test"


#: Where the token may go: an API and others like it, of one service.
ORIGINS = [
    API,
    "https://second.test",
    "https://bücher.test",
    "https://[::1]:8443",
    "http://127.0.0.1:8080",
    "http://localhost",
]


#: The servers there are, by the names that the tables use.
SERVERS = {
    "api": API,
    "second": "https://second.test",
    "bücher": "https://xn--bcher-kva.test",
    "::1": "https://[::1]:8443",
    "loopback": "http://127.0.0.1:8080",
    "localhost": "http://localhost",
    "localhost tls": "https://localhost",
    "plain": "http://api.sandbox.test",
    "port": "https://api.sandbox.test:8443",
    "sub": "https://www.api.sandbox.test",
    "super": "https://sandbox.test",
    "longer": "https://api.sandbox.test.other.test",
    "dot": "https://api.sandbox.test.",
    "other": "https://other.test",
    "bucher": "https://bucher.test",
    "homograph": "https://xn--pi-6kc.sandbox.test",
    "::1 port": "https://[::1]:8444",
}


#: "30x" stands for each of these; the API sends a POST on as what they say.
REDIRECTS = {301: "GET", 302: "GET", 303: "GET", 307: "POST", 308: "POST"}


PLACES = {
    # what it is: (
    #     its URL,
    #     asked directly,
    #     a redirect from the API to it,
    #     and one from there back to the API,
    # )
    "the API itself": (
        "https://api.sandbox.test/a",
        "api; 1; 200",
        "api api; 1; 30x 200",
        "api api api; 1; 30x 30x 200",
    ),
    "the API in upper case": (
        "HTTPS://API.Sandbox.TEST/a",
        "api; 1; 200",
        "api api; 1; 30x 200",
        "api api api; 1; 30x 30x 200",
    ),
    "the API with its port": (
        "https://api.sandbox.test:443/a",
        "api; 1; 200",
        "api api; 1; 30x 200",
        "api api api; 1; 30x 30x 200",
    ),
    "the API with user info": (
        "https://me:mine@api.sandbox.test/a",
        "api; 1; 200",
        "api api; 1; 30x 200",
        "api api api; 1; 30x 30x 200",
    ),
    "the API, and a path that begins with //": (
        "https://api.sandbox.test//other.test/a",
        "api; 1; 200",
        "api api; 1; 30x 200",
        "api api api; 1; 30x 30x 200",
    ),
    "the API, and a path with an @": (
        "https://api.sandbox.test/@other.test/a",
        "api; 1; 200",
        "api api; 1; 30x 200",
        "api api api; 1; 30x 30x 200",
    ),
    # requests drops the header on the way to another host, even to one of ours,
    # and it does not come back.
    "a second API of the service": (
        "https://second.test/a",
        "second; 1; 200",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "an API with an international name": (
        "https://bücher.test/a",
        "bücher; 1; 200",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "the same name in capitals": (
        "https://BÜCHER.test/a",
        "bücher; 1; 200",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "the same name in ASCII": (
        "https://xn--bcher-kva.test/a",
        "bücher; 1; 200",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "an API on the IPv6 loopback address": (
        "https://[::1]:8443/a",
        "::1; 1; 200",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "an API in clear, on a loopback address": (
        "http://127.0.0.1:8080/a",
        "loopback; 1; 200",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "plain http": (
        "http://api.sandbox.test/a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "another port": (
        "https://api.sandbox.test:8443/a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "another port of an IPv6 address": (
        "https://[::1]:8444/a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "a sub-domain": (
        "https://www.api.sandbox.test/a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "the domain above": (
        "https://sandbox.test/a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "a name that begins like the API's": (
        "https://api.sandbox.test.other.test/a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "the API's name with a trailing dot": (
        "https://api.sandbox.test./a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "another host": (
        "https://other.test/a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "another host, without a scheme": (
        "//other.test/a",
        None,
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "another host with user info": (
        "https://me:mine@other.test/a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "another host, the API as its user info": (
        "https://api.sandbox.test@other.test/a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "another host, behind a backslash": (
        "https://api.sandbox.test\\@other.test/a",
        "api; 1; 200",  # requests asks the API for the path /%5C@other.test/a
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "an international name without its dots": (
        "https://bucher.test/a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
    "the API's name with a Cyrillic letter": (
        "https://\u0430pi.sandbox.test/a",
        "-; 0; 401",
        "api; 1; 30x 401",
        "api; 1; 30x 30x 401",
    ),
}


#: A 401 on the way: each server's answers in turn, and which of the tokens
#: 0, 1, 2... it was shown. Who answers 401 to the last is not asked again.
REFUSALS = {
    # what happens: (the answers, who saw which token, what comes back)
    "a 401": ("api:401 api:200", "api:0 api:1", "401 200"),
    "two of them": ("api:401 api:401", "api:0 api:1", "401 401"),
    "a 401, then a redirect on the API": (
        "api:401 api:302>api api:200",
        "api:0 api:1 api:1",
        "302 200",
    ),
    "and a 401 there: the second of one call": (
        "api:401 api:302>api api:401",
        "api:0 api:1 api:1",
        "302 401",
    ),
    "a redirect on the API, then a 401": (
        "api:302>api api:401 api:200",
        "api:0 api:0 api:1",
        "302 200",
    ),
    "and a redirect again, and a 401 again": (
        "api:302>api api:401 api:302>api api:401",
        "api:0 api:0 api:1 api:1",
        "302 302 401",
    ),
    "a 401, then a redirect to another host": (
        "api:401 api:302>other other:401",
        "api:0 api:1",
        "302 401",
    ),
    "and from there back": (
        "api:401 api:302>other other:302>api api:401",
        "api:0 api:1",
        "302 302 401",
    ),
    "a redirect to another host, and its 401": (
        "api:302>other other:401",
        "api:0",
        "302 401",
    ),
    "a redirect to another API, and its 401": (
        "api:302>second second:401",
        "api:0",
        "302 401",
    ),
    "a 401 of another API": ("second:401 second:200", "second:0 second:1", "401 200"),
}


#: Entries of .netrc. requests reads it for a redirect, also to the same host.
NETRC = {
    # whose entry: (trust_env, the road, who saw the token, who saw the entry)
    "the API's": (True, "api", "api", "-"),
    "the API's, and a redirect to another host": (True, "api other", "api", "-"),
    "the API's, and a redirect on it": (True, "api api", "api api", "-"),
    "the API's, and two of them": (True, "api api api", "api api api", "-"),
    "the API's, not trusted": (False, "api api", "api api", "-"),
    "other's, asked directly": (True, "other", "-", "-"),
    "other's": (True, "api other", "api", "other"),
    "other's, not trusted": (False, "api other", "api", "-"),
    "other's, and back": (True, "api other api", "api", "other"),
    "anybody's": (True, "api second", "api", "second"),
}


#: Through a proxy: a tunnel for https, which hides what is in it.
PROXIES = {
    # what is asked for: (the road, who saw the token, what the proxy was asked)
    "the API": ("api", "api", "CONNECT api.sandbox.test:443"),
    "another host": ("other", "-", "CONNECT other.test:443"),
    "a redirect to another host": (
        "api other",
        "api",
        "CONNECT api.sandbox.test:443, CONNECT other.test:443",
    ),
    "a redirect to another host, in clear": (
        "api plain",
        "api",
        "CONNECT api.sandbox.test:443, GET http://api.sandbox.test/1",
    ),
    # Whoever sends a loopback address through a proxy shows it the token.
    "an API in clear": (
        "loopback",
        "proxy loopback",
        "GET http://127.0.0.1:8080/0",
    ),
}


def _has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


HAS_IPV6 = _has_ipv6()


class World:
    """All servers, what they saw in the order it arrived, and a client."""

    def __init__(self, authority):
        self.seen, self.net, self.servers = [], Net(), {}
        names = {requests.compat.urlsplit(url).hostname for url in SERVERS.values()}
        certificate = authority.issue_cert(*(name.rstrip(".") for name in names))
        context = server_context(certificate)
        for name, url in SERVERS.items():
            tls = context if url.startswith("https") else None
            host = "::1" if name.startswith("::1") and HAS_IPV6 else "127.0.0.1"
            server = Server(name, seen=self.seen, tls=tls, host=host)
            self.servers[name] = server
            self.net.add(url, server)
        self.servers["proxy"] = Proxy(self.net, seen=self.seen)

    def begin(self):
        """Forget what was; every server takes the first token alone."""
        self.seen.clear()
        for server in self.servers.values():
            server.answers.clear()
            server.otherwise = _protected

    def redirect(self, road, status=302):
        """Have each on the road send whoever comes to the next."""
        for number, (here, there) in enumerate(pairwise(road), 1):
            self.answer(here, status, f"{SERVERS.get(there, there)}/{number}")

    def answer(self, name, status, location=None):
        headers = {} if location is None else {"Location": location}
        self.servers[name].answers.append(Answer(status, headers))

    def who_saw(self, *secrets):
        """Name the servers that saw a secret, and where it must not be."""
        names = []
        for seen in self.seen:
            headers = dict(seen.headers)
            shown = headers.pop("authorization", "")
            assert not any(s in f"{seen.path}{headers}" for s in secrets), seen.server
            names += [seen.server] if any(s in shown for s in secrets) else []
        return " ".join(names) or "-"

    def tokens_shown(self):
        """Name the servers that saw a token, each with the token's number."""
        shown = []
        for seen in self.seen:
            header = seen.headers.get("authorization", "")
            token = header.removeprefix("Bearer ")
            shown += [f"{seen.server}:{TOKENS.index(token)}"] if header else []
        return " ".join(shown)


def _protected(seen):
    allowed = seen.headers.get("authorization") == f"Bearer {TOKENS[0]}"
    return Answer(200 if allowed else 401)


def location(url):
    """Spell a URL as a ``Location`` can: a header is ASCII."""
    return url if url.isascii() else requests.Request("GET", url).prepare().url


def outcome(world, response):
    """What a cell says, of what has happened."""
    chain = [*response.history, response]
    (hooks,) = {len(each.request.hooks["response"]) for each in chain}
    statuses = " ".join(str(each.status_code) for each in chain)
    return f"{world.who_saw(*TOKENS)}; {hooks}; {statuses}"
