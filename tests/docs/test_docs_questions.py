"""Twenty questions that people have, and the page that answers each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import DOCS, page

#: The question, the page, and what whoever reads it takes away: commands and names.
QUESTIONS = [
    (
        "How do I install it and make a first request?",
        "getting-started",
        ["pip install", "TickTickAuth()", "developer.ticktick.com/manage"],
    ),
    (
        "The redirect URI does not match. What do I enter where?",
        "errors",
        ["Invalid redirect", "redirect"],
    ),
    (
        "I only want to paste a token.",
        "getting-started",
        ["from_token", "tp_"],
    ),
    (
        "How do I sign on over SSH, without a browser?",
        "command-line",
        ["login --console", "login --begin"],
    ),
    (
        "How do I run it under cron?",
        "unattended",
        ["--preserve-env=TICKTICK_CLIENT_ID", "crontab", "refuse"],
    ),
    (
        "What does a unit of systemd look like?",
        "unattended",
        ["examples/report.service", "LoadCredential"],
    ),
    (
        "Where does the token go in Docker and Kubernetes, without a HOME?",
        "containers",
        ["TICKTICK_TOKEN_FILE", "--user", "fsGroup", "kubectl create secret"],
    ),
    (
        "How do I use it in GitHub Actions, so that the log shows no token?",
        "ci",
        ["gh secret set -f -", "Mask", "examples/github-actions.yml"],
    ),
    (
        "Why does GitLab not mask the variable?",
        "ci",
        ["Expand variable", "--format bare"],
    ),
    (
        "How do I learn two weeks before that the token ends?",
        "expiry",
        ["status --check --within 14d", "on_event", "metrics_prometheus"],
    ),
    (
        "How do I use two accounts, and how do I know which is which?",
        "accounts",
        ["--profile work", "requests-ticktick accounts", "TickTickAuth(profile="],
    ),
    (
        "How do many processes share one token?",
        "parallel-workers",
        ["FileStore(", "One sign-on", "lock_timeout"],
    ),
    (
        "May I preload my gunicorn application, and what of Celery?",
        "task-queues",
        ["--preload", "RedisStore", "HttpHook"],
    ),
    (
        "How does each user of my Django site get a token of their own?",
        "web-frameworks",
        ["django_views.py", "fastapi_app.py", "WEB_VAULT"],
    ),
    (
        "Our proxy has a CA of its own, and I get an SSLError.",
        "proxy",
        ["REQUESTS_CA_BUNDLE", "session=session", "HTTPS_PROXY"],
    ),
    (
        "Does it work in a notebook, and under papermill?",
        "notebooks",
        ["papermill", "TickTickAuth()"],
    ),
    (
        "I come from ticktick-py. What do I change?",
        "migrating",
        ["from requests_ticktick.compat import OAuth2", ".token-oauth"],
    ),
    (
        "Which store is right for me, and who can read it?",
        "stores",
        ["FileStore", "KeyringStore", "who can read it", "SqlStore"],
    ),
    (
        "What do the exit statuses of the command mean, and which options are there?",
        "commands",
        ["command-reference"],
    ),
    (
        "Which environment variables are there?",
        "environment",
        ["TICKTICK_CLIENT_ID", "TICKTICK_TOKEN_FILE", "TICKTICK_PROFILE", "NO_COLOR"],
    ),
    (
        "What is in the file, so that another program can read it?",
        "files",
        ["schemas/token.json", "expires_at"],
    ),
    (
        "Why not take requests-oauthlib, Authlib or pyticktick?",
        "compare",
        ["requests-oauthlib", "Authlib", "pyticktick", "Where we are behind"],
    ),
    (
        "How do I test my program without an account?",
        "testing",
        ["Sandbox", "sandbox.revoke_all()", "FakeClock"],
    ),
    (
        "What is promised when processes are killed, and how is that known?",
        "promises",
        ["SIGKILL", "tox -e stress"],
    ),
    (
        "Is there a device flow?",
        "not-done",
        ["Device flow", "login --console"],
    ),
]


@pytest.mark.parametrize(
    ("name", "takes_away"),
    [each[1:] for each in QUESTIONS],
    ids=[each[0] for each in QUESTIONS],
)
def test_a_page_answers(name, takes_away):
    """It is there, can be reached, and holds the command or the name."""
    shown = re.findall(r":: (examples/[\w.-]+)", page(name))
    texts = [page(name), *((DOCS / each).read_text("utf-8") for each in shown)]
    text = " ".join(" ".join(texts).split())

    assert re.search(rf"^   {name}$", page("index"), re.M), "no way to it"
    assert [each for each in takes_away if each not in text] == []


def test_there_are_twenty_questions():
    """At least, and no two are the same."""
    assert len({question for question, _, _ in QUESTIONS}) == len(QUESTIONS) >= 20


def test_every_page_can_be_reached():
    """From the index, by its table of contents."""
    listed = set(re.findall(r"^   ([\w-]+)$", page("index"), re.M))
    pages = {path.stem for path in Path(DOCS).glob("*.rst")} - {"index"}

    assert pages - listed == set()
