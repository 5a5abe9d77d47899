"""uv and poetry projects, built before and after all rewrites: one install becomes two, the image stays the same."""

from __future__ import annotations

import contextlib
import importlib
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from rewrite.fix import Request, fix_files
from rewrite.model import Result
from rewrite.settings import Settings
from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions, BuildRun
from rewrite.verify.image import Image, saved_images

pytestmark = pytest.mark.engine
# Where pip itself would look: this poetry project needs the address in words.
INDEX = importlib.import_module("pip._internal.models.index").PyPI.simple_url

MONEY = """\
[project]
name = "money"
version = "1"
dependencies = ["six==1.17.0"]
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""
UV = """\
[project]
name = "shop"
dynamic = ["version"]
requires-python = ">=3.11"
dependencies = ["iniconfig==2.1.0", "money"]
[project.scripts]
shop = "shop:main"
[tool.uv.workspace]
members = ["libs/*"]
[tool.uv.sources]
money = { workspace = true }
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.version]
path = "shop/__init__.py"
"""
POETRY = f"""\
[tool.poetry]
name = "shop"
version = "1"
description = ""
authors = []
readme = "README.md"
[tool.poetry.scripts]
shop = "shop:main"
[tool.poetry.dependencies]
python = ">=3.11"
iniconfig = "2.1.0"
money = {{ path = "libs/money", develop = true }}
[[tool.poetry.source]]
name = "simple"
url = "{INDEX}"
priority = "primary"
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""
DOCKERFILE = """\
FROM python:3.12-slim
RUN pip install --quiet --no-cache-dir {tool}
{before}WORKDIR /app
COPY . .
RUN {install}
CMD ["{program}"]
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A project: its manifest, how the tool is set up, how it locks and installs, what starts it."""

    tool: str
    manifest: str
    before: str
    lock: str
    install: str
    lockfile: str
    program: str
    first: str


PROJECTS = {
    "uv": Project(
        "uv", UV, "", "uv lock", "uv sync --locked", "uv.lock", "/app/.venv/bin/shop", "--no-install-workspace"
    ),
    "poetry": Project(
        "poetry",
        POETRY,
        "ENV POETRY_VIRTUALENVS_IN_PROJECT=1\n",
        "poetry lock -n",
        "poetry install -n --only main",
        "poetry.lock",
        "/app/.venv/bin/shop",
        "--no-root",
    ),
}


@dataclass(frozen=True, slots=True)
class Version:
    """A project before or after the rewrites: its image, its first build, and the one that followed an edit."""

    image: Image
    first: BuildRun
    edited: BuildRun


def write(root: Path, project: Project) -> None:
    """Write the project without its lockfile."""
    files = {
        "Dockerfile": DOCKERFILE.format(
            tool=project.tool, before=project.before, install=project.install, program=project.program
        ),
        ".dockerignore": "Dockerfile\n.dockerignore\n.git\n",
        "pyproject.toml": project.manifest,
        "README.md": "shop\n",
        "shop/__init__.py": "__version__ = '1'\n\n\ndef main() -> None:\n    print('hello')\n",
        "libs/money/pyproject.toml": MONEY,
        "libs/money/money/__init__.py": "EUR = 'EUR'\n",
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def lock(engine: Docker, root: Path, project: Project) -> None:
    """Let the tool itself write the lockfile."""
    dockerfile = root / "Lock"
    dockerfile.write_text(
        f"FROM python:3.12-slim AS lock\nRUN pip install --quiet --no-cache-dir {project.tool}\n"
        f"WORKDIR /app\nCOPY . .\nRUN {project.lock}\nFROM scratch\nCOPY --from=lock /app/{project.lockfile} /\n"
    )
    run = engine.build(root, dockerfile, output=f"type=local,dest={root}")
    dockerfile.unlink()
    assert run.ok, run.log


def fix(root: Path) -> None:
    """Apply what is safe."""
    with contextlib.chdir(root):
        (result,) = fix_files([Request(Path("Dockerfile"), None, "Dockerfile")], lambda path: Settings())
    assert isinstance(result, Result)
    for change in result.changes:
        (root / change.path).write_text(change.after)


@pytest.fixture(scope="module")
def versions(
    engine: Docker, need_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[tuple[str, str], Version]]:
    """Build every project in both versions; the images are saved together, as they share their base."""
    need_images("python:3.12-slim")
    series = f"dockerfix-test-{uuid.uuid4().hex[:12]}"
    builds: dict[tuple[str, str], tuple[str, BuildRun, BuildRun]] = {}
    try:
        for name, project in PROJECTS.items():
            before, after = (tmp_path_factory.mktemp(name) / "project" for _ in range(2))
            write(before, project)
            lock(engine, before, project)
            shutil.copytree(before, after)
            fix(after)
            for version, root in (("before", before), ("after", after)):
                tag = f"{series}:{name}-{version}"
                first = build(engine, root, series, tag)
                (root / "shop" / "__init__.py").write_text("__version__ = '2'\n\n\ndef main() -> None:\n    print()\n")
                builds[name, version] = (tag, first, build(engine, root, series, ""))
        images = saved_images(engine, [tag for tag, *_ in builds.values()])
        yield {key: Version(images[tag], *runs) for key, (tag, *runs) in builds.items()}
    finally:
        for tag in [tag for tag, *_ in builds.values()]:
            engine.remove_image(tag)


def build(engine: Docker, root: Path, series: str, tag: str) -> BuildRun:
    """Build with cache keys that no earlier series has."""
    run = engine.build(root, root / "Dockerfile", BuildOptions(mark=series), tag=tag)
    assert run.ok, run.log
    return run


def ran(run: BuildRun, text: str) -> int:
    """Return how many steps with `text` in their name were executed."""
    return sum(text in step for step in run.ran)


@pytest.mark.parametrize("name", PROJECTS)
def test_the_images_are_the_same(versions: Mapping[tuple[str, str], Version], name: str) -> None:
    # What the tools note of the time and of the way here differs between two builds of the original as well.
    comparison = compare(versions[name, "before"].image, versions[name, "after"].image)
    noted = (".pyc", "/RECORD", "/uv_cache.json", "/.venv/.lock")
    unexplained = [one for one in comparison.unexplained if not one.path.endswith(noted)]
    assert not unexplained, [str(difference) for difference in unexplained]


@pytest.mark.parametrize("name", PROJECTS)
def test_an_edit_installs_no_dependency(versions: Mapping[tuple[str, str], Version], name: str) -> None:
    project, after = PROJECTS[name], versions[name, "after"]
    assert ran(versions[name, "before"].edited, project.install) == 1
    assert (ran(after.first, project.first), ran(after.edited, project.first)) == (1, 0)
    assert ran(after.edited, project.install) == 1
