"""The projects of the benchmark: what their `bench.toml` says, and copies of them under git."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rewrite.build.build import Build
from rewrite.fix import Request, fix
from rewrite.model import Result
from rewrite.project import Session
from rewrite.settings import Settings
from rewrite.verify import edits
from rewrite.verify.edits import Edit, replacing
from rewrite.verify.outcome import COLD

PROJECTS = Path(__file__).parent / "projects"
SETTINGS = "bench.toml"
THROTTLED = "manifest-edit at 100 Mbit/s"
# In CI nothing is warm, so the cold build and the imported cache are told apart from what a developer repeats. The slow
# manifest edit comes before the fast one, as what it adds must not be there already.
ORDER = (
    COLD,
    edits.UNCHANGED,
    edits.SOURCE,
    edits.README,
    edits.COMMIT,
    edits.ARGUMENT,
    THROTTLED,
    edits.MANIFEST,
    edits.BASE,
    edits.IMPORTED,
)
KEYS = {"manifest": edits.MANIFEST, "readme": edits.README}


@dataclass(frozen=True, slots=True)
class Project:
    """One project of the benchmark: its name, and what its `bench.toml` says."""

    name: str
    about: str
    dockerfile: str
    context: str
    review: bool
    edits: tuple[Edit, ...]


def names() -> list[str]:
    """Return the names of all projects."""
    return sorted(path.parent.name for path in PROJECTS.glob(f"*/{SETTINGS}"))


def read(directory: Path) -> Project:
    """Return the project in `directory`; raise KeyError or tomllib.TOMLDecodeError for a wrong `bench.toml`."""
    said = tomllib.loads((directory / SETTINGS).read_text("utf-8"))
    context = said.get("context", ".")
    source = _edit(edits.SOURCE, said["source"], context)
    chosen = [Edit(edits.UNCHANGED, "no change"), source]
    chosen += [_edit(name, said[key], context) for key, name in KEYS.items() if key in said]
    if "manifest" in said:
        chosen.append(_edit(THROTTLED, said["manifest"], context))
    chosen.append(replace(source, name=edits.IMPORTED))
    return Project(
        directory.name,
        said["about"],
        said.get("dockerfile", "Dockerfile"),
        context,
        said.get("review", False),
        tuple(chosen),
    )


def _edit(name: str, said: dict[str, Any], context: str) -> Edit:
    """Return the edit that a table of `bench.toml` describes; its paths are relative to the project."""
    files = said.get("files", [said])
    paths = [os.path.relpath(file["path"], context) for file in files]
    changes = [(path, file["old"], file["new"]) for path, file in zip(paths, files, strict=True)]
    return replacing(name, ", ".join(paths), changes)


@dataclass(frozen=True, slots=True)
class Opened:
    """A copy of a project under git, what dockerfix makes of it, and the scenarios that it can be measured in.

    `fingerprint` is a hash of the two: where it is another one, a measurement is out of date.
    """

    project: Project
    root: Path
    build: Build
    result: Result
    chosen: Sequence[Edit]
    bases: Sequence[str]
    fingerprint: str

    @property
    def context(self) -> Path:
        """The build context."""
        return self.root / self.project.context


def _fingerprint(directory: Path, root: Path, result: Result) -> str:
    """Return a hash of a project and of what dockerfix writes into its copy in `root`."""
    found = hashlib.sha256()
    for path in sorted(path for path in directory.rglob("*") if path.is_file() or path.is_symlink()):
        content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        _add(found, str(path.relative_to(directory)), content)
    for change in result.changes:
        _add(found, os.path.relpath(change.path, root), change.after.encode("utf-8", "surrogateescape"))
    return found.hexdigest()[:16]


def _add(found: hashlib._Hash, name: str, content: bytes) -> None:
    found.update(f"{name}\0{len(content)}\0".encode() + content)


@contextmanager
def opened(name: str) -> Iterator[Opened]:
    """Yield a copy of a project without its `bench.toml`, under git, so that there is something to commit to."""
    directory = PROJECTS / name
    project = read(directory)
    with tempfile.TemporaryDirectory(prefix="dockerfix-bench-") as place:
        root = Path(place, name)
        shutil.copytree(directory, root, symlinks=True, ignore=shutil.ignore_patterns(SETTINGS))
        for command in (["init", "--quiet"], ["add", "--all", "--force"], ["commit", "--quiet", "--message=begin"]):
            author = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
            subprocess.run(["git", *author, *command], cwd=root, check=True)
        dockerfile = root / project.dockerfile
        settings = Settings(review=project.review, context=str(root / project.context))
        build = Session().open(Request(dockerfile, None, str(dockerfile)), settings)
        general = {edit.name: edit for edit in edits.choose(build)}
        mine = {edit.name: edit for edit in project.edits}
        found = [mine.get(name) or general.get(name) for name in ORDER]
        chosen = [replace(edit, title=edit.name) for edit in found if edit]
        result = fix(build, settings)
        fingerprint = _fingerprint(directory, root, result)
        yield Opened(project, root, build, result, chosen, general[edits.BASE].bases, fingerprint)
