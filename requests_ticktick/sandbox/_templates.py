"""The HTML pages: their frame and style, consent, and errors."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from flask import Response
from markupsafe import Markup

_SCOPES = {
    "tasks:read": "See your lists and tasks",
    "tasks:write": "Add, change, complete and delete tasks and lists",
}

_STYLE = Markup("""
:root {
  color-scheme: light dark;
  --page: #f3f5f9; --card: #ffffff; --line: #d9dfe9; --text: #1b2333;
  --soft: #566074; --accent: #2f5fe0; --accent-over: #254cb8; --on: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141d; --card: #1a202c; --line: #333d50; --text: #eef1f7;
    --soft: #a8b2c5; --accent: #86a8ff; --accent-over: #a5beff; --on: #0d1526;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; padding: 1.5rem; display: grid;
  place-items: center; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main {
  width: 100%; max-width: 27rem; padding: 2rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 1rem;
  box-shadow: 0 1rem 2.5rem rgb(15 23 42 / 0.1);
}
.brand {
  display: flex; align-items: center; gap: 0.6rem; margin: 0 0 1.25rem;
  color: var(--soft); font-size: 0.9rem; font-weight: 600;
}
.brand svg { flex: none; color: var(--accent); }
h1 { margin: 0 0 1rem; font-size: 1.4rem; line-height: 1.25; text-wrap: balance; }
h1, p { overflow-wrap: anywhere; }
main > :last-child { margin-bottom: 0; }
h2 { margin: 0; color: var(--soft); font-size: 0.9rem; font-weight: 600; }
ul, ol { margin: 0.5rem 0 1.25rem; padding: 0; list-style: none; }
li {
  display: flex; gap: 0.75rem; padding: 0.7rem 0;
  border-top: 1px solid var(--line);
}
li:last-child { border-bottom: 1px solid var(--line); }
li svg { flex: none; margin-top: 0.2rem; color: var(--accent); }
code { font: 0.85em/1.5 ui-monospace, Menlo, Consolas, monospace; color: var(--soft); }
li code { display: block; }
.to { margin: 0 0 1.5rem; color: var(--soft); font-size: 0.9rem; }
form { display: flex; gap: 0.75rem; margin: 0; }
button {
  flex: 1; min-height: 2.9rem; padding: 0.6rem 1rem; border-radius: 0.65rem;
  border: 1px solid var(--line); background: transparent; color: var(--text);
  font: inherit; font-weight: 600; cursor: pointer;
}
button:hover { border-color: var(--soft); }
button[value=allow] { background: var(--accent); border-color: var(--accent);
  color: var(--on); }
button[value=allow]:hover { background: var(--accent-over); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
form.controls { flex-wrap: wrap; margin: 0.75rem 0 1.5rem; }
.controls button { flex: 1 1 10rem; }
dl { display: grid; gap: 0.75rem; margin: 0 0 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); }
dt { color: var(--soft); font-size: 0.85rem; }
dd { margin: 0; font-size: 1.6rem; font-weight: 600; line-height: 1.2; }
.notice { padding: 0.7rem 1rem; border: 1px solid var(--accent);
  border-radius: 0.65rem; }
.latest li { padding: 0.3rem 0; }
.latest code { min-width: 0; overflow-wrap: anywhere; }
a { color: var(--accent); }
a:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
.note { margin: 1.5rem 0 0; color: var(--soft); font-size: 0.85rem; }
@media (max-width: 24rem) { form { flex-direction: column-reverse; } }
""")

_PAGE = Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<p class="brand"><svg width="26" height="26" viewBox="0 0 24 24" fill="none"
 stroke="currentColor" stroke-width="2.2" stroke-linecap="round"
 stroke-linejoin="round" aria-hidden="true"><path d="M21 11.5V12a9 9 0 1 1-5-8.06"/>
<path d="m8.5 11.5 3 3L21 5"/></svg>TickTick sandbox</p>
{main}
</main>
</body>
</html>
""")

_CONSENT = Markup("""<h1>Allow {client} to use your TickTick?</h1>
<h2 id="scopes">It asks to</h2>
<ul role="list" aria-labelledby="scopes">{scopes}</ul>
<p class="to">You will be sent back to<br><code>{redirect_uri}</code></p>
<form method="post" action="/oauth/authorize">
{fields}
<button name="decision" value="deny">Deny</button>
<button name="decision" value="allow">Allow</button>
</form>
<p class="note">A sandbox on your own computer: there is no account, and
nothing leaves this machine.</p>""")

_SCOPE = Markup("""
<li><svg width="18" height="18" viewBox="0 0 24 24" fill="none"
 stroke="currentColor" stroke-width="2.6" stroke-linecap="round"
 stroke-linejoin="round" aria-hidden="true"><path d="m4 12.5 5.5 5.5L20 6.5"/></svg>
<span>{meaning}<code>{scope}</code></span></li>""")

_FIELD = Markup('<input type="hidden" name="{name}" value="{value}">\n')

# Worded as Spring's error page, which people copy into their reports.
_ERROR = Markup("""<h1>OAuth Error</h1>
<p>error="{error}", error_description="{description}"</p>""")

_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    # There is no form-action: Chromium would apply it to the redirect that
    # answers the form, and that leads to the client's own origin.
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    # With no-referrer a browser would send the form with the origin "null".
    # Neither value tells other origins anything.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def consent_page(
    client: str,
    scopes: Iterable[str],
    redirect_uri: str,
    parameters: Iterable[tuple[str, str]],
    consent: str,
) -> Response:
    """Ask a person whether the client may have what it asks for.

    :param parameters: The authorization request's parameters, which the form
        sends along.
    :param consent: Shows that the decision was made on this page.
    """
    main = _CONSENT.format(
        client=client,
        redirect_uri=redirect_uri,
        scopes=Markup("").join(
            _SCOPE.format(scope=scope, meaning=_SCOPES[scope]) for scope in scopes
        ),
        fields=Markup("").join(
            _FIELD.format(name=name, value=value)
            for name, value in (*parameters, ("consent", consent))
        ),
    )
    return page("Allow access? - TickTick sandbox", main, 200)


def error_page(error: str, description: str, status: int) -> Response:
    """Show an error to the person, in place of a redirect to the client."""
    main = _ERROR.format(error=error, description=description)
    return page("OAuth Error - TickTick sandbox", main, status)


def unauthorized_page() -> Response:
    """Refuse credentials with the page that TickTick's web server sends."""
    return Response(
        '<!doctype html><html lang="en"><head><title>HTTP Status 401 \u2013 '
        "Unauthorized</title></head><body><h1>HTTP Status 401 \u2013 Unauthorized</h1>"
        "<p><b>Type</b> Status Report</p><p><b>Message</b> Unauthorized</p>"
        "</body></html>",
        status=401,
        headers={"WWW-Authenticate": 'Basic realm="oauth2/client"'},
        content_type="text/html;charset=utf-8",
    )


def page(title: str, main: Markup, status: int) -> Response:
    """Return a page around what is in its middle."""
    html = _PAGE.format(title=title, style=_STYLE, main=main)
    return Response(html, status=status, headers=_HEADERS, mimetype="text/html")
