"""An engine without one: images are what a function makes of a context, and a build is cached if its key was seen."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from test_image import directory, docker_archive, member, tar

from rewrite.verify.engine import BuildOptions, BuildRun, EngineError, Step, Watch

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
Make = Callable[[Mapping[str, bytes], str, int], Mapping[str, bytes] | None]


def everything(files: Mapping[str, bytes], dockerfile: str, number: int) -> Mapping[str, bytes]:
    """Make an image of the context's files below /app, as ``COPY . /app`` does."""
    return {f"app/{path}": content for path, content in files.items()}


@dataclass
class FakeEngine:
    """`make` gets the context's files, the Dockerfile's text and the number of the build; None is a failing build.

    `ignored` are names that a line of the ignore file keeps away.
    """

    make: Make = everything
    builds: list[tuple[str, BuildOptions]] = field(default_factory=list)
    images: dict[str, bytes] = field(default_factory=dict)
    seen: set[object] = field(default_factory=set)
    removed: list[str] = field(default_factory=list)
    name: str = "Fake 1.0"
    leaves_mount_parents: bool = False
    isolated: bool = False

    def sees_images(self) -> bool:
        return not self.isolated

    def build(
        self,
        context: Path,
        dockerfile: str | Path,
        options: BuildOptions = BuildOptions(),  # noqa: B008
        *,
        tag: str = "",
        output: str = "",
        watch: Watch | None = None,
    ) -> BuildRun:
        text = dockerfile if isinstance(dockerfile, str) else dockerfile.read_text()
        self.builds.append((text, options))
        files = self._sent(context)
        key = (text, options.mark, tuple(options.build_args.items()), tuple(sorted(files.items())))
        cached = key in self.seen
        self.seen.add(key)
        made = self.make(files, text, len(self.builds))
        seconds = 0.5 if cached else 10.0
        steps = (
            Step("0", "[internal] load build context", False, BEGIN, BEGIN, 0.1),
            Step("1", "[1/1] COPY . /app", cached, BEGIN, BEGIN + timedelta(seconds=seconds), seconds),
            Step("2", "[1/1] RUN never"),
        )
        if watch is not None:
            watch(steps)
        if made is None:
            return BuildRun(False, seconds, steps, "step\nERROR: it failed\n", 7)
        if tag:
            self.images[tag] = image(made)
        return BuildRun(True, seconds, steps, "", 7)

    @staticmethod
    def _sent(context: Path) -> dict[str, bytes]:
        ignore = context / ".dockerignore"
        lines = ignore.read_text().splitlines() if ignore.exists() else []
        paths = (path for path in sorted(context.rglob("*")) if path.is_file())
        relative = ((path.relative_to(context).as_posix(), path.read_bytes()) for path in paths)
        return {name: content for name, content in relative if not any(name.split("/")[0] == line for line in lines)}

    def has_image(self, reference: str) -> bool:
        return reference in self.images

    def image_bytes(self, reference: str) -> int:
        return len(self.images[reference])

    def remove_image(self, reference: str) -> None:
        self.removed.append(reference)
        self.images.pop(reference, None)

    @contextmanager
    def save(self, references: Sequence[str]) -> Iterator[IO[bytes]]:
        missing = [reference for reference in references if reference not in self.images]
        if missing:
            raise EngineError(f"no image {missing}")
        yield io.BytesIO(docker_archive(*((reference, (self.images[reference],)) for reference in references)))


def image(files: Mapping[str, bytes]) -> bytes:
    """Return a layer that holds the files and their directories; a name that ends in a slash is an empty directory."""
    parents = {str(parent) for name in files for parent in Path(name).parents if str(parent) != "."}
    parents |= {name.rstrip("/") for name in files if name.endswith("/")}
    plain = [member(name, content) for name, content in sorted(files.items()) if not name.endswith("/")]
    return tar([*map(directory, sorted(parents)), *plain])
