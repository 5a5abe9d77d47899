"""pdm, pipenv, pip-tools, conda and hatch: what their commands read, and what makes them decline."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from building import build

from rewrite import ecosystems
from rewrite.ecosystems import Command, Site, pdm
from rewrite.model import Declined

PROJECT = '[project]\nname = "shop"\n[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
FILES = {
    "pyproject.toml": PROJECT,
    "pdm.lock": '[[package]]\nname = "six"\n',
    "Pipfile": '[packages]\nsix = "*"\n',
    "Pipfile.lock": '{"_meta": {}, "default": {"six": {"version": "==1.17.0"}}}',
    "requirements.txt": "six\n",
    "requirements.in": "six\n",
    "environment.yml": "dependencies: [six]\n",
    "packages.txt": "numpy >=1\n",
    "shop.py": "",
}


def site(run: str, files: Mapping[str, str] = FILES, before: str = "COPY . .") -> Site:
    """Return the last command of ``RUN run`` behind `before`."""
    found = build(f"{before}\nRUN {run}\n", files)
    ((stage, last),) = [*found.runs()][-1:]
    return Site(found, stage, last, last.steps[-1])


def command(run: str, files: Mapping[str, str] = FILES) -> Command:
    """Return what that command does."""
    at = site(run, files)
    found = ecosystems.recognise(at.step, at.view)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("run", "required"),
    [
        ("pdm sync --no-self", {"pyproject.toml"}),
        ("python -m pdm install --frozen-lockfile --no-self", {"pyproject.toml"}),
        ("pipenv sync --system", {"Pipfile"}),
        ("pip-sync", {"requirements.txt"}),
        ("pip-compile requirements.in", {"requirements.in"}),
        ("conda env create", {"environment.yml"}),
        ("micromamba install -y -n base -f environment.yml", {"environment.yml"}),
        ("mamba install --file packages.txt gdal", {"packages.txt"}),
        ("conda create -n x python=3.12", set()),
        ("hatch dep show requirements", {"pyproject.toml"}),
    ],
)
def test_what_a_command_must_find(run: str, required: set[str]) -> None:
    found = command(run)
    assert found.declined is None
    assert {read.path for read in found.reads if read.required} == {f"/app/{name}" for name in required}


@pytest.mark.parametrize(
    "run",
    [
        "pdm --version",
        "pdm info",
        "pipenv --version",
        "conda clean -afy",
        "conda info",
        "hatch --version",
        "hatch status",
    ],
)
def test_what_looks_at_nothing(run: str) -> None:
    found = command(run)
    assert not found.declined
    assert not found.reads


@pytest.mark.parametrize(
    ("run", "premise"),
    [
        ("pdm sync --invented", "the option --invented is not known"),
        ("PDM_USE_UV=1 pdm sync", "what PDM_USE_UV makes pdm read is not known"),
        ("pdm sync -L other.lock", "what its options make pdm read is not known"),
        ("pdm add six", "pdm add is not known"),
        ("pdm run start", "what pdm run reads depends on the project"),
        ("pdm config --local install.cache on", "it changes the project's settings"),
        ("PIPENV_PIPFILE=/x/Pipfile pipenv sync", "what PIPENV_PIPFILE makes pipenv read is not known"),
        ("pipenv install -r requirements.txt", "changes Pipfile"),
        ("pipenv run start", "what pipenv run reads depends on the project"),
        ("pip-sync --pip-args '-r x'", "what its options make pip read is not known"),
        ("pip-sync setup.py", "what setup.py asks for is not known"),
        ("pip-compile", "what it compiles depends on what is there"),
        ("conda env create -f missing.yml", "/app/missing.yml is not a file of the build context"),
        ("conda install ./six.conda", "./six.conda is in the tree"),
        ("conda install -c file:///app/channel six", "it looks for packages in file:///app/channel"),
        ("CONDARC=/app/rc conda install six", "what its options make it read is not known"),
        ("conda install --use-local six", "what its options make it read is not known"),
        ("conda build .", "conda build is not known"),
        ("hatch env create --invented", "the option --invented is not known"),
        ("HATCH_CONFIG=x hatch env create", "what HATCH_CONFIG makes hatch read is not known"),
        ("hatch build", "what hatch build reads depends on the project"),
    ],
)
def test_declined(run: str, premise: str) -> None:
    found = command(run)
    assert found.declined
    assert premise in found.declined.premise


@pytest.mark.parametrize(
    ("name", "text", "run", "premise"),
    [
        ("Pipfile", '[[source]]\nurl = "./wheels"\n', "pipenv sync", "it looks for packages in ./wheels"),
        ("Pipfile.lock", "{", "pipenv sync", "Pipfile.lock cannot be read"),
        (
            "pdm.lock",
            '[[package]]\nname = "x"\npath = "${HOME}/x"\n',
            "pdm sync --no-self",
            "where x lies is not known",
        ),
        (
            "pyproject.toml",
            '[[tool.pdm.source]]\nurl = "file:///w"\n',
            "pdm sync",
            "it looks for packages in file:///w",
        ),
        (".pdm-plugins/x.py", "", "pdm sync", "it has plugins of pdm"),
        ("environment.yml", "[", "conda env create", "it cannot be read"),
        ("environment.yml", "dependencies: [{npm: [x]}]", "conda env create", "of a kind that is not known"),
        ("environment.yml", "dependencies: [{pip: [-r no.txt]}]", "conda env create", "/app/no.txt is not a file"),
        ("packages.txt", "/opt/six.conda\n", "conda install --file packages.txt", "/opt/six.conda is in the tree"),
        ("hatch.toml", "[env]\nx = {}\n", "hatch env create", "it has plugins for environments"),
    ],
)
def test_declined_for_a_file(name: str, text: str, run: str, premise: str) -> None:
    found = command(run, {**FILES, name: text})
    assert found.declined
    assert premise in found.declined.premise


@pytest.mark.parametrize(
    ("run", "text"),
    [
        ("pdm sync --prod", "pdm sync --prod --no-self"),
        ("cd . && A=1 pdm install --check  -G web", "A=1 pdm install --check  -G web --no-self"),
    ],
)
def test_the_install_that_goes_first(run: str, text: str) -> None:
    found = pdm.fetch(site(run))
    assert found
    assert found.exact
    assert found.command == text


@pytest.mark.parametrize(
    ("run", "files", "premise"),
    [
        ("pdm install", FILES, "it may install something else than pdm.lock says"),
        ("pdm sync -r", FILES, "it may install something else than pdm.lock says"),
        ("pdm sync", {"pyproject.toml": PROJECT}, "there is no pdm.lock"),
        ("VIRTUAL_ENV=/opt/venv pdm sync", FILES, "it installs into the active environment"),
        ("pdm sync", {**FILES, "pdm.lock": '[[package]]\nname = "x"\npath = "./x"\n'}, "packages of the tree"),
    ],
)
def test_no_install_may_go_first(run: str, files: Mapping[str, str], premise: str) -> None:
    with pytest.raises(Declined, match=premise):
        pdm.fetch(site(run, files))
