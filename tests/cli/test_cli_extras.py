"""What a person is told to type where an extra is not installed."""

from __future__ import annotations

import sys

import pytest

from requests_ticktick._cli.extras import missing, with_extra

UVX = "/home/you/.cache/uv/archive-v0/pU5PxdfAAlGNYcDZ"
ADVICE = {
    UVX: "uvx --from 'requests-ticktick[cli,sandbox]' requests-ticktick demo",
    "/srv/cache/builds-v0/.tmptdwo0K": (
        "uvx --from 'requests-ticktick[cli,sandbox]' requests-ticktick demo"
    ),
    "/home/you/.local/share/pipx/venvs/requests-ticktick": (
        "pipx install --force 'requests-ticktick[cli,sandbox]'"
    ),
    "/home/you/.cache/pipx/61f94d6150bc7e9": (
        "pipx run --spec 'requests-ticktick[cli,sandbox]' requests-ticktick demo"
    ),
    "/home/you/program/.venv": (
        "python -m pip install 'requests-ticktick[cli,sandbox]'"
    ),
}


@pytest.fixture
def types(monkeypatch):
    """Have a person type a command in an environment at some place."""

    def types(place, *arguments):
        monkeypatch.setattr(sys, "prefix", str(place))
        monkeypatch.setattr(sys, "argv", ["requests-ticktick", *arguments])

    return types


@pytest.mark.parametrize("place", ADVICE)
def test_the_advice_is_for_the_tool_that_made_the_environment(types, place):
    """What pip installs into an environment of uvx is gone the next time."""
    types(place, "demo")

    assert with_extra("sandbox") == ADVICE[place]


def test_a_tool_that_uv_keeps_is_installed_anew(types, tmp_path):
    """Its receipt is in it, wherever that is."""
    (tmp_path / "uv-receipt.toml").write_text("[tool]\n")
    types(tmp_path, "demo")

    advice = "uv tool install --force 'requests-ticktick[cli,sandbox]'"
    assert with_extra("sandbox") == advice


def test_both_extras_are_named_at_once(types):
    """Whoever has none of them is not sent away twice."""
    types(UVX, "demo")

    assert with_extra("cli") == ADVICE[UVX]


def test_nothing_is_repeated_that_may_be_secret(types):
    """Of what was typed, the name of a command alone is."""
    told = "uvx --from 'requests-ticktick[cli]' requests-ticktick"
    for typed, name in (
        (["login", "--store", "redis://:pw@host"], " login"),
        (["tp_0123456789"], ""),
        ([], ""),
    ):
        types(UVX, *typed)

        assert with_extra("cli") == told + name


def test_what_a_module_says_is_said_for_this_environment(types):
    """And an error that is not about an extra is what it was."""
    types(UVX, "status")
    lacking = ImportError("RedisStore needs it: pip install 'requests-ticktick[redis]'")

    told = "uvx --from 'requests-ticktick[cli,redis]' requests-ticktick status"
    assert missing(lacking) == f"RedisStore needs it: {told}"
    assert missing(ImportError("no libpq")) == "no libpq"
