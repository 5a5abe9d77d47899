"""Mentions of image builds in compose files, GitHub workflows and GitLab pipelines.

A file that is no YAML, or not of the expected shape, mentions nothing. Lines are those of the key that says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .commandlines import Invocation, Places, expand, invocations, locate_path

_BUILD_ACTION = "docker/build-push-action"
_GIT_CONTEXT = "{{defaultContext}}"
_GITLAB_SCRIPTS = ("before_script", "script", "after_script")
_USUAL = frozenset({"push", "pull_request", "pull_request_target", "merge_group"})
# A condition that speaks of these is for builds that are meant to be from scratch.
_SELDOM = re.compile(r"schedule|\btags?\b|TAG|release|dispatch|manual|refs/tags")


@dataclass(frozen=True, slots=True)
class Mention:
    """One place that says how an image is built; `dockerfiles` are where the builder looks for the Dockerfile.

    `no_cache` tells whether each push or pull request builds without the cache; `from_git`, that the builder fetches
    the context itself; `classic_line` is the line that turns BuildKit off, 0 if none does.
    """

    file: Path
    line: int
    what: str
    context: Path
    dockerfiles: tuple[Path, ...]
    target: str | None = None
    builder: str | None = None
    no_cache: bool = False
    from_git: bool = False
    classic_line: int = 0


def by_command(file: Path, first_line: int, found: Invocation) -> Mention:
    """Return the mention that a command line makes in a text that starts at `first_line` of `file`."""
    line = first_line + found.line - 1
    return Mention(
        file, line, found.command, found.context, found.dockerfiles, found.target, found.builder, found.no_cache
    )


def in_compose(file: Path, text: str, root: Path) -> Iterator[Mention]:
    """Yield what the services of a compose file build; paths are relative to the file."""
    places = Places(root, file.parent)
    for document in _documents(text):
        for service in _mapping(_mapping(document).get("services")).values():
            build = _mapping(service).get("build")
            mention = _compose_build(file, service, build, places) if build else None
            if mention:
                yield mention


def _compose_build(file: Path, service: Any, build: Any, places: Places) -> Mention | None:
    if isinstance(build, str):
        context = locate_path(expand(build), places, places.start)
        return Mention(file, _line(service, "build"), "build", context, (context / "Dockerfile",)) if context else None
    options = _mapping(build)
    if "dockerfile_inline" in options:
        return None
    context = locate_path(expand(_text(options, "context") or "."), places, places.start)
    name = expand(_text(options, "dockerfile") or "Dockerfile")
    dockerfile = locate_path(name, places, context)
    if context is None or dockerfile is None:
        return None
    line = _line(options, "context") or _line(options, "dockerfile") or _line(service, "build")
    no_cache = options.get("no_cache") is True
    return Mention(file, line, "build.context", context, (dockerfile,), _target(options), no_cache=no_cache)


def _target(options: Mapping[str, Any]) -> str | None:
    target = expand(_text(options, "target") or "")
    return target if target and target.isprintable() else None


def in_workflow(file: Path, text: str, root: Path) -> Iterator[Mention]:
    """Yield what the jobs of a GitHub workflow build, by docker/build-push-action or in `run`."""
    for document in _documents(text):
        workflow = _mapping(document)
        for job in map(_mapping, _mapping(workflow.get("jobs")).values()):
            directory = _working_directory(job) or _working_directory(workflow) or "."
            for step in map(_mapping, _sequence(job.get("steps"))):
                usual = _is_usual(workflow, job, step)
                found: Iterable[Mention] = ()
                if (_text(step, "uses") or "").startswith(_BUILD_ACTION):
                    found = _build_action(file, step, root)
                elif _text(step, "run"):
                    found = _run_step(file, step, directory, root)
                yield from (replace(mention, no_cache=mention.no_cache and usual) for mention in found)


def _is_usual(workflow: Mapping[str, Any], job: Mapping[str, Any], step: Mapping[str, Any]) -> bool:
    """Tell whether each push or pull request runs a step: not a night, a release or a person that asks for it."""
    if any(_SELDOM.search(_text(holder, "if") or "") for holder in (job, step)):
        return False
    triggers = workflow.get("on")
    names = [triggers] if isinstance(triggers, str) else list(triggers or ())
    pushed = _mapping(_mapping(triggers).get("push"))
    tags_alone = "tags" in pushed and "branches" not in pushed and "branches-ignore" not in pushed
    return any(name in _USUAL and not (name == "push" and tags_alone) for name in names)


def _working_directory(holder: Mapping[str, Any]) -> str | None:
    return _text(_mapping(_mapping(holder.get("defaults")).get("run")), "working-directory")


def _run_step(file: Path, step: Mapping[str, Any], directory: str, root: Path) -> Iterator[Mention]:
    start = locate_path(expand(_text(step, "working-directory") or directory), Places(root, root), root)
    if start is not None:
        yield from _in_commands(file, step, "run", step["run"], Places(root, start))


def _build_action(file: Path, step: Mapping[str, Any], root: Path) -> Iterator[Mention]:
    options = _mapping(step.get("with"))
    written, what = _text(options, "context"), _BUILD_ACTION
    line = _line(options, "context") or _line(step, "uses")
    from_git = not written or written.startswith(_GIT_CONTEXT)
    if from_git:
        written = (written or "").removeprefix(_GIT_CONTEXT).removeprefix(":") or "."
        what += " from git, which applies no .dockerignore"
    context = locate_path(expand(written or "."), Places(root, root), root)
    name = _text(options, "file")
    base = context if from_git or not name else root
    dockerfile = locate_path(expand(name or "Dockerfile"), Places(root, root), base)
    if context is not None and dockerfile is not None:
        no_cache = options.get("no-cache") is True
        target = _target(options)
        yield Mention(file, line, what, context, (dockerfile,), target, no_cache=no_cache, from_git=from_git)


def in_gitlab(file: Path, text: str, root: Path) -> Iterator[Mention]:
    """Yield what the jobs of a GitLab pipeline build in their scripts, which start in the repository's root."""
    for document in _documents(text):
        for job in _mapping(document).values():
            seldom = any(_SELDOM.search(str(_mapping(job).get(key) or "")) for key in ("rules", "only", "when"))
            for key in _GITLAB_SCRIPTS:
                commands = _mapping(job).get(key)
                found: Iterable[Mention] = _gitlab_lines(file, _sequence(commands), root)
                if isinstance(commands, str):
                    found = _in_commands(file, job, key, commands, Places(root, root))
                yield from (replace(mention, no_cache=mention.no_cache and not seldom) for mention in found)


def _gitlab_lines(file: Path, commands: Sequence[Any], root: Path) -> Iterator[Mention]:
    """Yield the mentions of a list of commands, of which each starts where the one before ended."""
    text, lines = [], []
    for index, command in enumerate(commands):
        if isinstance(command, str):
            for at, line in enumerate(command.rstrip("\n").split("\n")):
                text.append(line)
                lines.append(_line(commands, index) + (at + 1 if "\n" in command else 0))
        else:
            yield from _gitlab_lines(file, _sequence(command), root)
    for found in invocations("\n".join(text), Places(root, root)):
        yield by_command(file, lines[found.line - 1] - found.line + 1, found)


def _in_commands(file: Path, holder: Any, key: str, commands: str, places: Places) -> Iterator[Mention]:
    first = _line(holder, key) + (1 if "\n" in commands else 0)
    for found in invocations(commands, places):
        yield by_command(file, first, found)


def _documents(text: str) -> list[Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    reader = YAML(typ="rt")
    reader.allow_duplicate_keys = True
    try:
        return list(reader.load_all(text))
    except (YAMLError, ValueError, TypeError, RecursionError):
        return []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _text(holder: Mapping[str, Any], key: str) -> str | None:
    value = holder.get(key)
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def _line(holder: Any, key: str | int) -> int:
    """Return the 1-based line of a key or list item; 0 where it is not written in `holder` itself."""
    position = (getattr(getattr(holder, "lc", None), "data", None) or {}).get(key)
    return position[0] + 1 if position else 0
