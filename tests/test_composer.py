"""composer: what asks git for the project's version, and what an install in two halves makes of that."""

from __future__ import annotations

import json

import pytest
from building import build

from rewrite import ecosystems
from rewrite.ecosystems import Fetch, Site, composer
from rewrite.model import Declined

DOCKERFILE = "FROM php:8.3-cli\nWORKDIR /app\nCOPY . .\nRUN {}\n"
LOCK = json.dumps({"packages": [], "packages-dev": []})


def install(command: str, manifest: dict[str, object], **files: str) -> tuple[ecosystems.Command, Fetch | None]:
    """Return what the last command does, and what could be fetched for it."""
    tree = {"composer.json": json.dumps(manifest), "composer.lock": LOCK, **files}
    made = build(DOCKERFILE.format(command), tree)
    stage, run = next(iter(made.runs()))
    site = Site(made, stage, run, run.steps[-1])
    found = composer.recognise(site.step, site.view)
    assert found
    return found, composer.fetch(site)


@pytest.mark.parametrize("version", [{}, {"version": "1.0.0"}])
def test_git_is_asked_for_the_version(version: dict[str, object]) -> None:
    found, fetch = install("composer install", {"name": "a/b", **version}, **{".git/HEAD": "ref: refs/heads/main\n"})
    asks = not version
    assert bool(found.declined) == asks
    assert bool(fetch) == asks
    if found.declined:
        assert found.declined.premise == "composer asks git for the project's version and commit"


def test_a_variable_names_the_version() -> None:
    files = {".git/HEAD": "ref: refs/heads/main\n"}
    found, _ = install("COMPOSER_ROOT_VERSION=1.0 composer install", {"name": "a/b"}, **files)
    assert not found.declined


@pytest.mark.parametrize(
    ("command", "premise"),
    [
        ("composer install --unknown", "the option --unknown is not known"),
        ("composer install --dry-run", "leaves nothing installed"),
        ("COMPOSER_FUTURE=1 composer install", "COMPOSER_FUTURE"),
        ("COMPOSER=$UNKNOWN composer install", "the file that COMPOSER names"),
        ("COMPOSER_VENDOR_DIR=$UNKNOWN composer install", "COMPOSER_VENDOR_DIR"),
        ("composer install vendor/name", "takes no package"),
    ],
)
def test_declined(command: str, premise: str) -> None:
    made = build(DOCKERFILE.format(command), {"composer.json": "{}", "composer.lock": LOCK})
    stage, run = next(iter(made.runs()))
    found = composer.recognise(run.steps[-1], made.view(stage, run.instruction))
    assert found
    assert found.install
    assert isinstance(found.declined, Declined)
    assert premise in found.declined.premise


def test_settings_that_are_not_known() -> None:
    found, _ = install("composer install", {"config": {"process-timeout": 1}})
    assert not found.declined
    with pytest.raises(Declined, match="setting future"):
        install("composer install", {"config": {"future": True}})
