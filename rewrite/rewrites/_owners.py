"""Who owns what a stage has made: COPY --from keeps the owners of files, but gives root the directory that it names."""

from __future__ import annotations

from collections.abc import Iterable

from ..build.build import Build
from ..build.paths import inside, join
from ..build.runs import Run
from ..build.stages import Stage
from ..source.dockerfile import Instruction


def owner_of(build: Build, stage: Stage, path: str) -> str:
    """Return the owner of an image path as ``--chown`` takes it, "" for root or where nothing is said of it."""
    owner, brought = "", False
    for line in stage.instructions:
        if line.keyword in ("COPY", "ADD"):
            copy = build.copy(line)
            if copy and (copy.below(path) or copy.context_path(path)) and _brings(build, line, path):
                owner, brought = _flag(line), True
        elif line.keyword == "RUN":
            user = stage.state(line).user or ""
            if not brought and user.partition(":")[0] not in ("", "root", "0"):
                owner = user
            owner = changed_owner((build.run(line),), path) or owner
    return "" if owner.partition(":")[0] in ("root", "0") or "$" in owner else owner


def _brings(build: Build, line: Instruction, path: str) -> bool:
    copy = build.copy(line)
    paths = copy.below(path) if copy else ()
    found = copy.context_path(path) if copy else None
    return any(build.context.exists(one) for one in (*paths, *([found] if found else [])))


def _flag(line: Instruction) -> str:
    flag = line.flag("chown")
    return (flag.value or "") if flag else ""


def changed_owner(runs: Iterable[Run], path: str) -> str:
    """Return the owner that the last chown of `path` in `runs` names, "" if there is none."""
    owner = ""
    for step in (step for run in runs for step in run.steps if step.program == "chown"):
        words = [word for word in step.words[1:] if word and not word.startswith("-")]
        recursive = any(word and word.startswith("-") and "R" in word for word in step.words)
        targets = [join(step.cwd, word) for word in words[1:]]
        if any(target and (target == path or (recursive and inside(path, target))) for target in targets):
            owner = words[0]
    return owner
