"""The pages that answer "How do I ...?" do what they say."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import test_readme
import yaml
from clients import client_of
from corporate_proxy import CorporateProxy
from pages import DOCS, blocks_of, code_of, page
from shell import Shell

import requests_ticktick
from requests_ticktick import (
    FileStore,
    SignOnRequiredError,
    TickTickAuth,
    TokenEndpointError,
    refuse,
)

#: Runs a block where TickTick is the sandbox.
run = test_readme.run

PROJECT = "/open/v1/project"
EXAMPLES = DOCS / "examples"


@pytest.fixture
def here(sandbox, monkeypatch):
    """The sandbox is the service that the environment names."""
    monkeypatch.setenv("TICKTICK_SERVICE", sandbox.url(""))
    monkeypatch.setenv("TICKTICK_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("TICKTICK_CLIENT_SECRET", sandbox.client_secret)
    monkeypatch.setenv("TICKTICK_REDIRECT_URI", sandbox.redirect_uri)


@pytest.fixture
def shell(sandbox, secrets, monkeypatch, tmp_path):
    return Shell(sandbox, secrets, monkeypatch, tmp_path)


# -- What all examples have in common ----------------------------------------------


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.stem)
def test_every_example_names_what_is_there(path):
    """Also where its framework is not installed."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ours = [
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("requests_ticktick")
        for alias in node.names
    ]

    for module, name in ours:
        assert hasattr(importlib.import_module(module), name), (module, name)
    options = {
        keyword.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "TickTickAuth"
        for keyword in node.keywords
    }
    assert options - set(TickTickAuth.__init__.__kwdefaults__) <= {
        *("client_id", "client_secret", "redirect_uri"),
        None,
    }


def test_every_example_is_shown_on_a_page():
    """And none is shown that is not there."""
    text = "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.rst"))

    shown = set(re.findall(r":: examples/([\w.-]+)", text))

    assert shown == {p.name for p in EXAMPLES.iterdir() if p.is_file()}


# -- How do I use it in a notebook? ------------------------------------------------


def test_the_blocks_about_notebooks_run(run, sandbox, monkeypatch):
    """At a person's screen, and with a secret of Colab."""
    sandbox.issue_token("tp_colab")
    colab = SimpleNamespace(userdata={"TICKTICK_TOKEN": "tp_colab"})
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, colab)

    names = run(code_of("notebooks"))

    assert names["projects"][0]["name"] == "Groceries"
    assert names["session"].get(sandbox.url(PROJECT)).status_code == 200
    assert sandbox.sign_ons == 1


# -- How do I get through a corporate proxy with its own CA? -----------------------


@pytest.fixture
def proxy(sandbox, monkeypatch, tmp_path):
    """The way out; TickTick is behind it."""
    sandbox.redirect_uris.append(requests_ticktick.TICKTICK.default_redirect_uri)
    monkeypatch.setenv("TICKTICK_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("TICKTICK_CLIENT_SECRET", sandbox.client_secret)

    def sign_on(request):
        url = request.url.replace("https://ticktick.com", sandbox.url("").rstrip("/"))
        return sandbox.sign_on(SimpleNamespace(url=url))

    monkeypatch.setattr("requests_ticktick._sign_on.default_sign_on", sign_on)
    with CorporateProxy(sandbox, tmp_path) as proxy:
        yield proxy


def test_the_session_of_the_page_gets_through_a_corporate_proxy(proxy, sandbox):
    """To the token endpoint as well, with its CA alone."""
    first, second = blocks_of(page("proxy"))
    code = first.replace("/etc/ssl/certs/corporate-ca.pem", proxy.ca)
    code = code.replace("http://proxy.internal:3128", proxy.url)
    names = {"requests": requests, "TickTickAuth": TickTickAuth}

    exec(compile(code, "proxy.rst", "exec"), names)

    names["session"].close()
    assert names["projects"][0]["name"] == "Groceries"
    assert proxy.hosts == ["ticktick.com", "api.ticktick.com"]
    assert sandbox.sign_ons == 1
    compile(second, "proxy.rst", "exec")


def test_the_variables_of_the_page_do_the_same(proxy, monkeypatch):
    """For a program that says nothing about proxies."""
    assert {"HTTPS_PROXY", "REQUESTS_CA_BUNDLE"} <= set(
        re.findall(r"^    export (\w+)=", page("proxy"), re.M)
    )
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", proxy.ca)

    with requests.Session() as session:
        session.auth = TickTickAuth()
        assert session.get(f"https://api.ticktick.com{PROJECT}").status_code == 200


def test_without_the_ca_an_error_names_the_variable(proxy, monkeypatch):
    """The token request fails, and the API is not asked at all."""
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)

    with pytest.raises(TokenEndpointError, match="Set REQUESTS_CA_BUNDLE to"):
        TickTickAuth().token()

    assert proxy.hosts == ["ticktick.com"]


# -- How do I use several accounts? ------------------------------------------------


def test_the_blocks_about_accounts_keep_two_apart(run, sandbox, capsys):
    """Each has a token of its own, and the API says whose."""
    names = run(code_of("accounts"), requests=requests)

    for each in (names["work"], names["private"]):
        assert each.get(sandbox.url(PROJECT)).status_code == 200
        each.close()
        place = each.auth.source.store.path
        assert Path(place).stem == ("work" if each is names["work"] else "private")
    assert capsys.readouterr().out.strip()


# -- How is somebody told? ---------------------------------------------------------


def test_the_block_about_the_end_sends_one_mail(sandbox, clock):
    """Fourteen days before, whichever object sees it."""
    mails = []
    (code,) = blocks_of(page("expiry"))
    sandbox.expires_in = 180 * 86_400
    names = {"send_mail": mails.append, "TickTickAuth": TickTickAuth}
    names["session"] = SimpleNamespace(auth=None)
    exec(compile(code, "expiry.rst", "exec"), names)
    auth = client_of(
        sandbox, FileStore(), clock=clock, on_event=names["on_event"], sign_on=refuse
    )
    FileStore().save(client_of(sandbox, clock=clock).token())
    clock.advance(166.1 * 86_400)

    auth.token()

    (mail,) = mails
    assert mail.endswith("ends in 14 days.")
    assert isinstance(names["session"].auth, TickTickAuth)


@pytest.mark.prints_secrets
def test_the_statuses_of_the_page_are_those_of_the_command(shell, sandbox):
    """Whoever watches a job sees them."""
    ask = ("status", "--check", "--within", "14d")
    client_of(sandbox, FileStore(), service=sandbox.service).token()
    assert shell.run(*ask).returncode == 0
    token = FileStore().load()
    FileStore().save(token.replace(expires_at=token.issued_at + 86_400))

    soon = shell.run(*ask)

    assert soon.returncode == 3
    sandbox.stop()
    assert shell.run("status", "--check").returncode == 4


# -- How do I run it under cron, systemd, in containers, in CI? --------------------


def variables_in(text):
    return set(re.findall(r"\bTICKTICK_\w+", text))


def test_the_files_to_deploy_name_variables_and_options_that_are_there(monkeypatch):
    """In units, pipelines and clusters, where nobody looks for a while."""
    known = variables_in(page("environment"))
    files = [p for p in EXAMPLES.iterdir() if p.suffix in (".service", ".yaml", ".yml")]
    monkeypatch.setattr(sys, "path", [*sys.path, str(DOCS / "extensions")])
    commands = importlib.import_module("command_reference").commands()

    assert len(files) == 4
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert variables_in(text) - known == set(), path.name
        for command, options in re.findall(r"requests-ticktick (\w+)(.*)", text):
            there = commands[f"requests-ticktick {command}"].params
            known_options = {name for each in there for name in each.opts}
            assert set(re.findall(r"--\w+", options)) <= known_options, path.name


def test_the_units_of_systemd_are_ini():
    """With the sections that each kind has."""
    for name, section in (("report.service", "Service"), ("report.timer", "Timer")):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read(EXAMPLES / name)
        assert section in unit.sections()


def test_the_pod_s_file_is_where_the_pod_mounts_a_folder():
    """The folder, and not the file itself."""
    text = (EXAMPLES / "kubernetes.yaml").read_text(encoding="utf-8")
    job, service = yaml.safe_load_all(text)
    pod = service["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (mount,) = container["volumeMounts"]
    env = {each["name"]: each["value"] for each in container["env"]}

    job_pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (variable,) = job_pod["containers"][0]["env"]

    assert env["TICKTICK_TOKEN_FILE"].startswith(f"{mount['mountPath']}/")
    assert pod["securityContext"]["fsGroup"]
    assert variable["name"] == "TICKTICK_TOKEN"
    secret = "secret generic {name} --from-file={key}="
    assert secret.format(**variable["valueFrom"]["secretKeyRef"]) in page("containers")


def steps_of(name):
    """The commands of a pipeline, but for those that install and check out."""
    content = yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))
    if name.startswith("github"):
        steps = content["jobs"]["report"]["steps"]
        lines = [each["run"] for each in steps if "run" in each]
        assert set(content["jobs"]["report"]["env"]) == {"TICKTICK_TOKEN"}
    else:
        lines = content["report"]["before_script"] + content["report"]["script"]
    return "\n".join(line for line in lines if "pip install" not in line)


@pytest.mark.parametrize("name", ["github-actions.yml", "gitlab-ci.yml"])
@pytest.mark.prints_secrets
def test_the_pipelines_run(name, shell, sandbox, tmp_path, require):
    """In a shell as theirs, with the value that the page says; the token is masked."""
    bash = require("bash")
    token = client_of(sandbox, FileStore()).token()
    dotenv = shell.run("login", "--format", "dotenv", prints_secrets=True).stdout
    value = re.fullmatch(r"TICKTICK_TOKEN='(.+)'\n", dotenv)[1]
    FileStore().delete()
    (tmp_path / "report.py").write_text(
        "import requests, requests_ticktick as r\n"
        f"a = requests.get({sandbox.url(PROJECT)!r}, auth=r.TickTickAuth())\n"
        "print('REPORTED', a.status_code)\n"
    )
    python = f'python() {{ "{sys.executable}" "$@"; }}\n'
    command = 'requests-ticktick() { python -m requests_ticktick "$@"; }\n'

    done = subprocess.run(
        [bash, "-e", "-c", command + python + steps_of(name)],
        env=shell.environment({"TICKTICK_TOKEN": value, "CI": "true"}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "REPORTED 200" in done.stdout
    masks = [f"::add-mask::{token.access_token}"] if "github" in name else []
    assert [
        line for line in done.stdout.splitlines() if "tick-" in line or "::" in line
    ] == masks
    assert token.access_token not in done.stderr


def test_a_job_without_a_token_fails_at_once(here, monkeypatch):
    """As a pull request from a fork."""
    monkeypatch.setenv("CI", "true")

    with pytest.raises(SignOnRequiredError, match="requests-ticktick login"):
        TickTickAuth().token()
