"""What poetry commands read and write, the install that can go first, and where its environment lies."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from building import build

from rewrite import ecosystems
from rewrite.ecosystems import Command, Site, poetry
from rewrite.ecosystems._poetry_project import settings
from rewrite.model import Declined

PROJECT = '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\nmoney = { path = "libs/money" }\n'
PROJECT += '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
LOCK = '[[package]]\nname = "money"\n[package.source]\ntype = "directory"\nurl = "libs/money"\n'
MONEY = '[project]\nname = "money"\n[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
FILES = {"pyproject.toml": PROJECT, "poetry.lock": LOCK, "shop.py": "", "libs/money/pyproject.toml": MONEY}


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
    assert found.ecosystem == "poetry"
    return found


@pytest.mark.parametrize(
    ("run", "premise"),
    [
        ("poetry install --invented", "the option --invented is not known"),
        ("POETRY_INVENTED=1 poetry install", "what POETRY_INVENTED makes poetry read is not known"),
        ("poetry self add poetry-dotenv-plugin", "what the plugin poetry-dotenv-plugin does is not known"),
        ("poetry config certificates.ours.cert ca.pem", "it sets certificates.ours.cert for later commands"),
        ("poetry add six", "poetry add is not known"),
        ("poetry run python -m shop", "what poetry run reads depends on the project"),
        ("cd /elsewhere && poetry install", "holds no pyproject.toml"),
        ("POETRY_CACHE_DIR=$X poetry install --no-root", "POETRY_CACHE_DIR is not a path that is known"),
    ],
)
def test_declined(run: str, premise: str) -> None:
    found = command(run)
    assert found.declined
    assert premise in found.declined.premise


@pytest.mark.parametrize(
    "run", ["poetry --version", "poetry env info -q", "poetry config --list", "python -m poetry about"]
)
def test_what_looks_at_nothing(run: str) -> None:
    found = command(run)
    assert not found.declined
    assert not found.reads


def test_what_an_install_reads() -> None:
    found = command("poetry -n install --no-root --no-directory")
    assert {read.path for read in found.reads if read.required} == {"/app/pyproject.toml", "/app/poetry.lock"}
    assert "/app/libs/money" in {read.path for read in command("poetry install --no-root").reads}
    alone = {"pyproject.toml": PROJECT.replace('{ path = "libs/money" }', '"*"'), "poetry.lock": ""}
    assert "/app" in {read.path for read in command("poetry install --only-root", alone).reads}


@pytest.mark.parametrize(
    ("run", "text"),
    [
        ("poetry install", "poetry install --no-root --no-directory"),
        (
            "true && A=1 poetry -n sync --with 'a,b' --no-root",
            "A=1 poetry -n sync --with 'a,b' --no-root --no-directory",
        ),
    ],
)
def test_the_install_that_goes_first(run: str, text: str) -> None:
    found = poetry.fetch(site(run))
    assert found
    assert found.command == text
    assert {read.path for read in found.reads if read.required} == {"/app/pyproject.toml", "/app/poetry.lock"}


@pytest.mark.parametrize(
    "run", ["poetry install --only-root", "poetry install --no-root --no-directory", "poetry lock"]
)
def test_nothing_to_fetch(run: str) -> None:
    assert poetry.fetch(site(run)) is None


@pytest.mark.parametrize(
    ("before", "files", "premise"),
    [
        ("COPY . .", {"pyproject.toml": PROJECT}, "there is no poetry.lock"),
        ("RUN pip install poetry==1.3.2\nCOPY . .", FILES, "may not know --no-directory"),
        ('ENV POETRY_VERSION="1.2.0"\nCOPY . .', FILES, "may not know --no-directory"),
    ],
)
def test_no_install_may_go_first(before: str, files: Mapping[str, str], premise: str) -> None:
    with pytest.raises(Declined, match=premise):
        poetry.fetch(site("poetry install", files, before))


@pytest.mark.parametrize(
    ("before", "elsewhere"),
    [
        ("COPY . .", False),
        ("RUN poetry config virtualenvs.create false", True),
        ("RUN poetry config virtualenvs.create true", False),
        ("RUN poetry config virtualenvs.in-project true --local", True),
        ("RUN if test -e /dev/x; then poetry config virtualenvs.create false; fi", False),
        ("RUN poetry config virtualenvs.create false\nRUN poetry config $SETTING", False),
        ("USER app\nRUN poetry config virtualenvs.create false\nUSER root", False),
        ("ENV POETRY_VIRTUALENVS_IN_PROJECT=1", True),
        ("RUN poetry config virtualenvs.create false\nENV POETRY_VIRTUALENVS_CREATE=true", False),
    ],
)
def test_where_the_environment_is_known_to_lie(before: str, elsewhere: bool) -> None:
    assert settings(site("poetry install", before=before), {}).environment_is_elsewhere is elsewhere
