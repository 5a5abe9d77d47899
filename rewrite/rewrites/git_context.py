"""Advise on a `.dockerignore` that a build from git does not heed.

`docker/build-push-action` without a `context:`, and `docker build https://…git`, let the builder fetch the repository
itself, and it applies no ignore file to what it fetches: a file that is ignored, but kept in the repository, is copied.
`context: .` behind `actions/checkout` builds from the files that lie there, and heeds the ignore file.

Declines to speak where no COPY brings a file that is ignored, and of files that `.gitignore` keeps out of the
repository.

```diff
 - uses: docker/build-push-action@v6
   with:
+    context: .
     push: true
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..build.build import Build
from ..model import Place, Proposal, Refusal, refuted
from ..paths import shown
from ..source import ignorefile

NAME = "git-context"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield advice on the first mention that builds from git, if that brings what is ignored."""
    mention = next((mention for mention in build.mentions if mention.from_git), None)
    path = _ignored_and_copied(build) if mention else None
    if mention and path:
        place = Place(shown(mention.file), mention.line)
        evidence = f"the builder fetches the repository, and {path} is in it"
        yield Proposal(
            NAME,
            "build from the checked-out files: context: .",
            "the ignore file counts there, which a build from git does not read",
            place,
            (),
            (refuted(f"{path} stays out of the image, as {build.context.ignore_path} says", evidence, place),),
        )


def _ignored_and_copied(build: Build) -> str | None:
    """Return a file that the ignore file leaves out, that git may have, and that a COPY names or brings with others."""
    ignore = build.context.ignore
    sources = [
        mapping.source
        for stage in build.stages
        for line in stage.instructions
        if (copy := build.copy(line))
        for mapping in copy.mappings
    ]
    if ignore is None or not sources:
        return None
    untracked = ignorefile.parse(_as_ignore_file(build.context.read_ignored(".gitignore") or ""))
    for entry in build.context.tree.entries(lambda path: path == ".git" or untracked.prunes(path)):
        path = entry.path
        if entry.is_dir or path.startswith(".git") or not ignore.excludes(path) or untracked.excludes(path):
            continue
        # What describes the build itself is nobody's loss.
        if path in (build.name, build.ignore_name):
            continue
        if any(source in ("", ".", path) or path.startswith(f"{source}/") for source in sources):
            return path
    return None


def _as_ignore_file(gitignore: str) -> str:
    """Return the lines of `.gitignore` as ones of `.dockerignore`: a name without a slash inside may lie anywhere."""
    lines = [line.strip() for line in gitignore.split("\n")]
    plain = [line for line in lines if line and not re.match(r"[#!]", line)]
    return "\n".join(line if "/" in line.rstrip("/") else f"**/{line}" for line in plain)
