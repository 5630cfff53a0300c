"""What is published: its metadata, its names, and the files in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

import requests_ticktick

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "requests_ticktick"

#: The public API. A name that leaves it breaks somebody's program.
PUBLIC_NAMES = {
    "DIDA365",
    "TICKTICK",
    "TICKTICK_MCP",
    "AuthorizationDeniedError",
    "AuthorizationRequest",
    "ChainStore",
    "ConsoleSignOn",
    "EnvStore",
    "Event",
    "FileLock",
    "FileStore",
    "InsecureTransportError",
    "InvalidTokenError",
    "LockTimeoutError",
    "LoopbackSignOn",
    "MemoryStore",
    "RegistrationError",
    "RevocationError",
    "Service",
    "SignOn",
    "SignOnError",
    "SignOnRequiredError",
    "SignOnTimeoutError",
    "StateMismatchError",
    "TextStore",
    "TickTickAuth",
    "TickTickAuthError",
    "Token",
    "TokenEndpointError",
    "TokenStore",
    "TokenStoreError",
    "refuse",
    "register",
    "retry_session",
}
EXTRAS = {
    "aiohttp",
    "all",
    "cli",
    "docs",
    "encrypted",
    "httpie",
    "httpx",
    "httpx2",
    "keyring",
    "mcp",
    "pytest",
    "redis",
    "sandbox",
    "sql",
    "test",
}
#: What only those need who develop a program, or this package; and the MCP SDK,
#: which is large, and which a program that needs it has.
NOT_IN_ALL = {"all", "docs", "mcp", "pytest", "test"}
#: Where other tools look for ours.
PLUGINS = {
    "httpie.plugins.auth.v1": "ticktick = requests_ticktick.httpie:TickTickAuthPlugin",
    "pytest11": "requests_ticktick = requests_ticktick.pytest_plugin",
}


def read_ini(name: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None)
    parser.read(ROOT / name, encoding="utf-8")
    return parser


def lines(value: str) -> list[str]:
    return [line for line in value.strip().splitlines() if line]


def readme_commands() -> list[str]:
    """The README's two commands: each begins with installing something."""
    readme = (ROOT / "README.rst").read_text(encoding="utf-8")
    return re.findall(r"^ +\$? ?(python -m pip install .+ && .+)$", readme, re.M)


def test_the_public_names_are_all_there() -> None:
    """Everything that the documentation imports comes from the top."""
    assert set(requests_ticktick.__all__) == PUBLIC_NAMES | {"__version__"}
    for name in requests_ticktick.__all__:
        assert hasattr(requests_ticktick, name)


@pytest.fixture
def distribution() -> metadata.Distribution:
    """What was installed; in a checkout on the path alone, nothing was."""
    try:
        return metadata.distribution("requests-ticktick")
    except metadata.PackageNotFoundError:
        pytest.skip("the package is not installed")


def test_the_version_is_the_installed_one(distribution: metadata.Distribution) -> None:
    """There is one place to change it in."""
    assert requests_ticktick.__version__ == distribution.version


def test_the_extras_are_the_documented_ones(
    distribution: metadata.Distribution,
) -> None:
    """``pip`` only warns of an extra that does not exist."""
    assert set(distribution.metadata.get_all("Provides-Extra") or ()) == EXTRAS


def test_the_command_is_installed(distribution: metadata.Distribution) -> None:
    """The error messages tell people to run it."""
    assert "requests-ticktick" in [
        entry.name
        for entry in distribution.entry_points
        if entry.group == "console_scripts"
    ]


@pytest.mark.parametrize("group", PLUGINS)
def test_other_tools_find_their_plugins(group: str) -> None:
    """By entry points, whose modules and objects are there."""
    (line,) = lines(read_ini("setup.cfg")["options.entry_points"][group])

    assert line == PLUGINS[group]
    name, value = line.split(" = ")
    assert metadata.EntryPoint(name, value, group).load() is not None


def test_all_is_every_extra_that_a_user_needs() -> None:
    """``[all]`` leaves out what is large or for developers."""
    extras = read_ini("setup.cfg")["options.extras_require"]

    (everything,) = lines(extras["all"])

    named = re.fullmatch(r"requests-ticktick\[(.+)\]", everything)
    assert named is not None
    assert set(named[1].split(",")) == EXTRAS - NOT_IN_ALL


def test_the_oldest_environment_pins_every_lower_bound() -> None:
    """A lower bound that nothing was tested with is a guess."""
    config = read_ini("setup.cfg")
    extras = config["options.extras_require"]
    bounds = lines(config["options"]["install_requires"])
    for name in EXTRAS - {"all", "docs", "mcp", "test"}:
        bounds += lines(extras[name])
    pins = lines(read_ini("tox.ini")["testenv:oldest"]["deps"])

    assert sorted(pins) == sorted({bound.replace(">=", "==") for bound in bounds})


def test_the_oldest_mcp_is_tested_by_itself() -> None:
    """It needs newer libraries than the oldest of the others."""
    extras = read_ini("setup.cfg")["options.extras_require"]
    pins = lines(read_ini("tox.ini")["testenv:mcp-oldest"]["deps"])

    bounds = [bound.replace(">=", "==") for bound in lines(extras["mcp"])]
    assert sorted(pins) == sorted(bounds)


def test_ci_runs_the_commands_of_the_readme() -> None:
    """What a stranger is told to run is what is known to work."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = readme_commands()

    assert len(commands) == 2
    for command in commands:
        assert command in [line.strip() for line in script.splitlines()]


def test_every_tox_environment_says_what_it_is_for() -> None:
    """``tox list`` is the developer's table of contents."""
    config = read_ini("tox.ini")
    names = [name for name in config.sections() if name.startswith("testenv")]

    assert len(names) > 5
    assert [name for name in names if not config[name].get("description")] == []


def test_every_python_that_is_promised_is_tested() -> None:
    """A release needs each that a classifier names; tox looks for newer ones, too."""
    classifiers = read_ini("setup.cfg")["metadata"]["classifiers"]
    promised = re.findall(r"Python :: 3\.(\d+)$", classifiers, re.M)
    tox = read_ini("tox.ini")
    found = re.search(r"py3\{(.+)\}", tox["tox"]["env_list"])

    assert found is not None
    # On this one all tests are run as well, and the lines that they reach counted.
    _, _, counted = tox["testenv:coverage"]["base_python"].partition(".")
    tested = sorted([*found[1].split(", "), counted], key=int)
    assert tested[: len(promised)] == promised
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert f"for minor in {' '.join(tested)}; do" in script
    steps = release()["jobs"]["test"]["steps"]
    (versions,) = [
        step["with"]["python-version"] for step in steps if "python" in str(step)
    ]
    assert versions.split() == [f"3.{minor}" for minor in promised]
    readme = (ROOT / "README.rst").read_text(encoding="utf-8")
    assert f"CPython 3.{promised[0]} to 3.{promised[-1]}: the tests run" in readme


def release() -> Any:
    """The workflow that publishes."""
    path = ROOT / ".github" / "workflows" / "release.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_only_what_publishes_can_sign() -> None:
    """The tests and the build tools of a release run without its identity."""
    jobs = release()["jobs"]

    assert release()["permissions"] == {}
    signing = [name for name, job in jobs.items() if "id-token" in job["permissions"]]
    assert signing == ["publish"]
    assert jobs["publish"]["environment"]["name"] == "pypi"
    assert not [step for step in jobs["publish"]["steps"] if "run" in step]
    assert "secrets." not in str(jobs)


def urls() -> dict[str, str]:
    """The addresses that PyPI shows."""
    urls = read_ini("setup.cfg")["metadata"]["project_urls"]
    return dict(line.split(" = ") for line in lines(urls))


def test_a_release_checks_what_the_metadata_says_about_it() -> None:
    """A tag that is no version, or a copy of the repository, publishes nothing."""
    steps = release()["jobs"]["build"]["steps"]
    (check,) = [step["run"] for step in steps if "name" in step and "run" in step]
    of_tag, of_address, of_date = check.strip().splitlines()

    def passes(line: str, **variables: str) -> bool:
        command = [shutil.which("bash") or "bash", "-c", line]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables})
        return done.returncode == 0

    assert passes(of_tag, TAG=f"v{requests_ticktick.__version__}")
    assert not passes(of_tag, TAG="v0.0.0")
    assert passes(of_address, HERE=urls()["Source"])
    assert not passes(of_address, HERE="https://github.com/somebody/else")
    assert not passes(of_date, TAG="v0.0.0")


@pytest.fixture
def built() -> Path:
    """The folder with both distributions."""
    folder = os.environ.get("DIST_FOLDER")
    if folder is None:
        pytest.skip('"tox -e dist" builds the distributions and runs this')
    return Path(folder)


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    """Every file of the package, and none of the tests."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    expected = {
        found.relative_to(ROOT).as_posix()
        for found in (ROOT / PACKAGE).rglob("*")
        if found.is_file()
        and not any(
            part.startswith((".", "__pycache__"))
            for part in found.relative_to(ROOT).parts
        )
    }
    assert names == expected


def test_the_page_on_pypi_links_to_what_is_elsewhere(built: Path) -> None:
    """A path within the repository leads nowhere there; and the licence is stated."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith("/METADATA")]
        text = wheel.read(name).decode()

    assert "\nLicense-Expression: MIT\n" in text
    links = re.findall(r"(?:<|image:: )((?!http)[\w./-]+\.(?:rst|svg|png))", text)
    assert links == []
    assert f"image:: {urls()['Documentation']}_images/first.svg" in text


def test_the_source_distribution_can_be_tested(built: Path) -> None:
    """Whoever packages this for a system runs the tests from it."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {
            str(PurePosixPath(*PurePosixPath(name).parts[1:]))
            for name in archive.getnames()
        }

    tests = {
        found.relative_to(ROOT).as_posix() for found in (ROOT / "tests").rglob("*.py")
    }
    assert tests <= names
    assert {
        ".ci/run",
        ".github/SECURITY.md",
        ".github/workflows/release.yml",
        ".ruff.toml",
        "CHANGELOG.rst",
        "LICENSE",
        "README.rst",
        "docs/conf.py",
        "docs/index.rst",
        "setup.cfg",
        "setup.py",
        "tox.ini",
    } <= names
    assert not [name for name in names if "__pycache__" in name]
