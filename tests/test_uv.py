"""What uv commands read and write, the sync that can go first, and which wheels make a cache safe to keep."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from building import build

from rewrite import ecosystems
from rewrite.ecosystems import Command, Fetch, Site, uv
from rewrite.ecosystems._uv_settings import verb_of
from rewrite.ecosystems._wheels import base_python, has_wheel
from rewrite.model import Declined

LOCK = """\
version = 1
[[package]]
name = "shop"
version = "1"
source = { editable = "." }
dependencies = [{ name = "six" }, { name = "money" }]
[[package]]
name = "money"
version = "1"
source = { directory = "libs/money" }
[[package]]
name = "six"
version = "1.17.0"
source = { registry = "https://example.org/simple" }
"""
PACKAGE = (
    '[project]\nname = "shop"\nversion = "1"\n[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n'
)
MONEY = PACKAGE.replace("shop", "money")
FILES = {"pyproject.toml": PACKAGE, "uv.lock": LOCK, "shop.py": "", "libs/money/pyproject.toml": MONEY}


def site(run: str, files: Mapping[str, str] = FILES, before: str = "COPY . .") -> Site:
    """Return the last command of ``RUN run`` behind `before`."""
    found = build(f"{before}\nRUN {run}\n", files)
    ((stage, last),) = [*found.runs()][-1:]
    return Site(found, stage, last, last.steps[-1])


def command(run: str, files: Mapping[str, str] = FILES, before: str = "COPY . .") -> Command:
    """Return what that command does."""
    at = site(run, files, before)
    found = ecosystems.recognise(at.step, at.view)
    assert found is not None
    assert found.ecosystem == "uv"
    return found


def fetched(run: str, files: Mapping[str, str] = FILES, before: str = "COPY . .") -> Fetch:
    """Return what can be fetched before the sources."""
    found = uv.fetch(site(run, files, before))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("run", "verb"),
    [
        ("uv --quiet --directory /app sync --frozen", "sync"),
        ("/bin/uv pip install six", "pip install"),
        ("python3 -m uv pip sync requirements.txt", "pip sync"),
        ("uvx ruff", "tool run"),
        ("uv run --frozen manage.py migrate", "run"),
        ("uv --version", ""),
        ("pip install uv", None),
    ],
)
def test_the_command_is_found(run: str, verb: str | None) -> None:
    assert verb_of(site(run).step) == verb


@pytest.mark.parametrize("run", ["uv run app.py", "uvx ruff", "uv build", "uv publish"])
def test_programs_of_the_project_are_not_known(run: str) -> None:
    found = command(run)
    assert found.project
    assert found.declined


@pytest.mark.parametrize("run", ["uv --version", "uv pip list", "uv cache prune"])
def test_what_looks_at_nothing(run: str) -> None:
    found = command(run)
    assert not found.reads
    assert not found.declined


@pytest.mark.parametrize(
    ("run", "premise"),
    [
        ("uv sync --invented", "the option --invented is not known"),
        ("uv sync --script tool.py", "a script's own requirements"),
        ("uv sync --find-links ./wheels", "--find-links looks for packages in ./wheels"),
        ("uv sync --no-build-isolation", "what is installed already"),
        ("UV_PROJECT=sub uv sync", "what UV_PROJECT makes uv read is not known"),
        ("UV_INDEX=ours=./x uv sync", "UV_INDEX looks for packages"),
        ("UV_FROZEN=$X uv sync", "UV_FROZEN is set to a value that is not known"),
        ("cd /elsewhere && uv sync", "holds no pyproject.toml"),
        ("uv add six", "uv add is not known"),
        ("uv tool install .", "may install from the tree"),
        ("uv pip install --system -r setup.py", "has to be run or built"),
        ("uv pip install --system -r x.py", "what x.py asks for is not known"),
        ("UV_CONSTRAINT=c.txt uv pip install --system six", "what UV_CONSTRAINT makes uv read is not known"),
        ("uv venv -c", "-c"),
    ],
)
def test_declined(run: str, premise: str) -> None:
    found = command(run)
    assert found.declined
    assert premise in found.declined.premise


def test_a_sync_from_a_member_reads_the_whole_workspace() -> None:
    root = '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    files = {"pyproject.toml": root, "packages/a/pyproject.toml": PACKAGE, "packages/b/pyproject.toml": MONEY}
    found = command("cd packages/a && uv sync --frozen --no-install-workspace", {**files, "uv.lock": "version = 1\n"})
    required = {read.path for read in found.reads if read.required}
    assert required == {f"/app/{name}" for name in (*files, "uv.lock")}
    assert any(write.path == "/app/.venv" for write in found.writes)


def test_where_the_environment_lies() -> None:
    found = command("UV_PROJECT_ENVIRONMENT=/opt/env uv sync --frozen --no-install-local")
    assert {"/opt/env"} == {write.path for write in found.writes if "environment" in write.why}


@pytest.mark.parametrize(
    ("run", "text"),
    [
        ("uv sync --locked", "uv sync --frozen --no-install-project --no-install-package money"),
        (
            "true && A='x y'  uv -q sync --extra 'a b' --frozen --no-install-package money",
            "A='x y'  uv -q sync --extra 'a b' --frozen --no-install-package money --no-install-project",
        ),
    ],
)
def test_the_sync_that_goes_first(run: str, text: str) -> None:
    found = fetched(run)
    assert found.command == text
    assert {read.path for read in found.reads if read.required} == {"/app/pyproject.toml", "/app/uv.lock"}


def test_the_sync_of_a_workspace_that_goes_first() -> None:
    files = {**FILES, "pyproject.toml": f'{PACKAGE}[tool.uv.workspace]\nmembers = ["libs/*"]\n'}
    assert fetched("uv sync", files).command == "uv sync --frozen --no-install-workspace"


@pytest.mark.parametrize("run", ["uv sync --frozen --no-install-local", "uv sync --check", "uv lock", "pip install x"])
def test_nothing_to_fetch(run: str) -> None:
    assert uv.fetch(site(run)) is None


@pytest.mark.parametrize(
    ("run", "before", "files", "premise"),
    [
        ("uv sync", "COPY . .", {"pyproject.toml": PACKAGE}, "there is no uv.lock"),
        ("uv sync -U", "COPY . .", FILES, "does not install what uv.lock says"),
        ("uv sync --inexact", "COPY . .", FILES, "does not install what uv.lock says"),
        ("uv sync", "RUN pip install uv==0.3.1\nCOPY . .", FILES, "may not know --no-install-project"),
    ],
)
def test_no_sync_may_go_first(run: str, before: str, files: Mapping[str, str], premise: str) -> None:
    with pytest.raises(Declined, match=premise):
        uv.fetch(site(run, files, before))


@pytest.mark.parametrize(
    ("names", "base", "python", "fits"),
    [
        (["six-1-py2.py3-none-any.whl"], "debian", None, True),
        (["ruff-1-py3-none-manylinux_2_17_x86_64.whl"], "debian", None, False),
        (["r-1-py3-none-manylinux_2_17_x86_64.whl", "r-1-py3-none-manylinux_2_17_aarch64.whl"], "debian", None, True),
        (["r-1-py3-none-manylinux_2_35_x86_64.whl", "r-1-py3-none-manylinux_2_35_aarch64.whl"], "debian", None, False),
        (["c-1-cp39-abi3-musllinux_1_2_x86_64.whl", "c-1-cp39-abi3-musllinux_1_2_aarch64.whl"], "alpine", "3.12", True),
        (
            ["c-1-cp39-cp39-musllinux_1_2_x86_64.whl", "c-1-cp39-cp39-musllinux_1_2_aarch64.whl"],
            "alpine",
            "3.12",
            False,
        ),
        (
            ["c-1-cp312-cp312-manylinux1_x86_64.whl", "c-1-cp312-cp312-manylinux2014_aarch64.whl"],
            "alpine",
            "3.12",
            False,
        ),
        (["c-1-cp312-cp312-manylinux1_x86_64.whl", "c-1-cp312-cp312-manylinux2014_aarch64.whl"], "debian", None, False),
        (["six-1.tar.gz"], "debian", "3.12", False),
    ],
)
def test_wheels(names: list[str], base: str, python: str | None, fits: bool) -> None:
    assert has_wheel(names, base, python) is fits


@pytest.mark.parametrize(
    ("base", "python"),
    [("python:3.12-slim", "3.12"), ("ghcr.io/astral-sh/uv:python3.13-alpine", "3.13"), ("debian:12", None)],
)
def test_the_version_of_a_base_image(base: str, python: str | None) -> None:
    assert base_python(base) == python
