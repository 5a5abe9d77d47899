"""Golden projects built for real, before and after all rewrites: the same image, and the install stays cached."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewrite.fix import Request, fix_files
from rewrite.model import Result
from rewrite.settings import Settings
from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildRun
from rewrite.verify.image import Image, saved_images

pytestmark = pytest.mark.engine

DOCKERFILE = """\
FROM python:3.12-slim
WORKDIR /srv/app
COPY . .
RUN pip install --no-cache-dir -r requirements.txt && \\
    python -c 'import shop; print(shop.NAME)'
CMD ["python", "-m", "shop"]
"""
IGNORED = "# ours\n*.log\n!keep.log\ndocs"
FILES = {
    "Dockerfile": DOCKERFILE,
    ".dockerignore": IGNORED,
    "requirements.txt": "-r requirements/base.txt\n",
    "requirements/base.txt": "iniconfig==2.1.0 # small\n",
    "shop/__init__.py": "NAME = 'shop'\n",
    "shop/__main__.py": "print('hello')\n",
    "build.log": "left out before and after\n",
    "keep.log": "kept before and after\n",
    "docs/index.md": "left out\n",
    ".vscode/settings.json": "{}\n",
}


def project(root: Path) -> Path:
    """Write the project into `root`."""
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def ran(run: BuildRun, text: str) -> bool:
    """Tell whether the step that has `text` in its name was executed."""
    assert any(text in step.name for step in run.steps), (text, run.log[-2000:])
    return any(text in name for name in run.ran)


@pytest.fixture(scope="module")
def built(engine: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, dict[str, Image]]]:
    """Build the project before and after, and read both images."""
    before = project(tmp_path_factory.mktemp("before"))
    after = tmp_path_factory.mktemp("after") / "project"
    shutil.copytree(before, after)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(after)
        (result,) = fix_files([Request(Path("Dockerfile"), None, "Dockerfile")], lambda path: Settings())
        assert isinstance(result, Result)
        for change in result.changes:
            Path(change.path).write_text(change.after)
    assert {change.path for change in result.changes} == {"Dockerfile", ".dockerignore"}
    tags = {"before": "dockerfix-test-golden:before", "after": "dockerfix-test-golden:after"}
    try:
        for name, directory in (("before", before), ("after", after)):
            run = engine.build(directory, directory / "Dockerfile", tag=tags[name])
            assert run.ok, run.log[-3000:]
        images = saved_images(engine, list(tags.values()))
        yield before, after, {name: images[tag] for name, tag in tags.items()}
    finally:
        for tag in tags.values():
            engine.call("image", "rm", "--force", tag)


def test_the_image_is_the_same(built: tuple[Path, Path, dict[str, Image]]) -> None:
    """All that differs is the rewritten files themselves, and what the new ignore lines leave out."""
    _, _, images = built
    left_out = frozenset({"/srv/app/.vscode", "/srv/app/.vscode/settings.json", "/srv/app/.dockerignore"})
    rewritten = frozenset({"/srv/app/Dockerfile"})
    result = compare(images["before"], images["after"], allowed_missing=left_out, rewritten=rewritten)
    assert result.equivalent, result.unexplained
    assert "/srv/app/keep.log" in images["after"].files
    assert "/srv/app/build.log" not in images["after"].files


def test_a_source_edit_does_not_install_again(engine: Docker, built: tuple[Path, Path, dict[str, Image]]) -> None:
    """The RUN was split: what installs stays cached, what looks at the sources runs."""
    before, after, _ = built
    for directory in (before, after):
        (directory / "shop/__main__.py").write_text(f"print('{uuid.uuid4()}')\n")
    assert ran(engine.build(before, before / "Dockerfile"), "pip install")
    run = engine.build(after, after / "Dockerfile")
    assert not ran(run, "pip install")
    assert ran(run, "import shop")


def test_a_manifest_edit_installs_again(engine: Docker, built: tuple[Path, Path, dict[str, Image]]) -> None:
    """Also one that only a nested file tells."""
    _, after, _ = built
    (after / "requirements/base.txt").write_text(f"iniconfig==2.1.0 # {uuid.uuid4()}\nsix==1.17.0\n")
    assert ran(engine.build(after, after / "Dockerfile"), "pip install")
