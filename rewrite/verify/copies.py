"""Copies of a project to build from, so that the user's tree is never touched."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..build.context import DirectoryTree
from ..build.tree import Skip
from ..errors import UsageError
from ..model import Change

BESIDE = "beside"


@dataclass(frozen=True, slots=True)
class Project:
    """A Dockerfile and its build context, both absolute; `skip` names directories that the builder is never sent."""

    context: Path
    dockerfile: Path
    skip: Skip | None = None

    @property
    def _own(self) -> tuple[Path, ...]:
        """The files that the builder reads whether they are sent or not."""
        beside = self.dockerfile.with_name(self.dockerfile.name + ".dockerignore")
        return (self.dockerfile, beside, self.context / ".dockerignore")

    def place(self, path: Path, root: Path) -> Path:
        """Return where a copy in `root` has a file of the project; one outside the context lies beside it."""
        if path.is_relative_to(self.context):
            return root / self.context.name / path.relative_to(self.context)
        return root / BESIDE / path.name


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a project: the directory and the Dockerfile to build from."""

    context: Path
    dockerfile: Path


@contextmanager
def copied(project: Project, changes: Iterable[Change] = ()) -> Iterator[Copy]:
    """Yield a copy of `project` with `changes` written into it; raise `UsageError` where a file cannot be read.

    Modes, times and links are kept; sockets, pipes and devices, which no builder is sent, are left out.
    """
    with tempfile.TemporaryDirectory(prefix="dockerfix-") as directory:
        root = Path(directory)
        try:
            _copy(project, root)
        except OSError as error:
            raise UsageError(f"cannot be copied: {error.strerror or error}", str(error.filename or "")) from error
        for change in changes:
            path = project.place(Path(os.path.abspath(change.path)), root)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(change.after.encode("utf-8", "surrogateescape"))
        yield Copy(root / project.context.name, project.place(project.dockerfile, root))


def _copy(project: Project, root: Path) -> None:
    """Copy what the builder may read of a project."""
    target = root / project.context.name
    target.mkdir()
    directories = []
    for entry in DirectoryTree(project.context).entries(project.skip):
        source, copy = project.context / entry.path, target / entry.path
        if entry.is_dir:
            copy.mkdir()
            directories.append((source, copy))
        elif entry.link is not None or stat.S_ISREG(entry.mode):
            shutil.copy2(source, copy, follow_symlinks=False)
    for path in project._own:
        if path.is_file():
            copy = project.place(path, root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
    # Deepest first, as a directory may be read-only and its time changes with what is put into it.
    for source, copy in reversed(directories):
        shutil.copystat(source, copy)


@contextmanager
def restored(root: Path, paths: Sequence[str]) -> Iterator[None]:
    """Afterwards put back what lies at `paths` below `root`, times included; what was not there is removed."""
    with tempfile.TemporaryDirectory(prefix="dockerfix-") as directory:
        aside = Path(directory)
        for number, path in enumerate(paths):
            _transfer(root / path, aside / str(number))
        try:
            yield
        finally:
            for number, path in enumerate(paths):
                _remove(root / path)
                _transfer(aside / str(number), root / path)


def _transfer(source: Path, target: Path) -> None:
    """Copy a file or a directory, if there is one."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    elif source.exists():
        shutil.copy2(source, target)


def _remove(path: Path) -> None:
    """Remove a file or a directory, if there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
