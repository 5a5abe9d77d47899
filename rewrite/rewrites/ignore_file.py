"""Write or extend `.dockerignore`, so that a broad COPY brings no repository data, caches, dependencies or secrets.

What a COPY brings is part of its cache key and of the image: `.git` changes with every commit, byte
code with every run, and a copied `.env` hands its secrets to everybody who can pull the image.

Declines each line that a COPY, ADD or bind mount of any Dockerfile with this context needs, that
would undo one of the file's own `!` lines, or whose files a program of the project asks for.

```diff
+# Version control
+.git
```
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import ecosystems, templates
from ..build.build import Build
from ..build.context import Context, Entry
from ..build.effects import effect
from ..build.needs import excludes, needed, relied_on, revives
from ..model import Declined, Obligation, Place, Proposal, Refusal, assumed, proved
from ..source import ignorefile
from ._asking_git import asks_no_git
from ._ignoring import ignore_edit
from ._secrets import secrets_in_reach

NAME = "ignore-file"

_TEXT_NAMES = re.compile(
    r"\.(?:py|js|cjs|mjs|ts|mts|cts|jsx|tsx|vue|sh|bash|json|toml|cfg|ini|conf|ya?ml|mk|rb|gemspec|rake|ru|php|exs?|go|rs|gradle|in|service)\Z"
    r"|(?:\A|/)(?:Makefile|Procfile|Dockerfile[^/]*|Containerfile[^/]*|[^/.]+)\Z"
)
_NOT_ASKED = re.compile(
    r"(?:\A|/)(?:\.[^/]*ignore|package-lock\.json|npm-shrinkwrap\.json|[^/]*\.md|[^/]*\.rst|LICENSE)\Z|(?:\A|/)node_modules/|\A\.(?:git|github|circleci)/"
)
_LARGEST = 200_000
_HOOKS = re.compile(r'"(?:husky|lefthook|pre-commit|simple-git-hooks|yorkie)"')
# They run code of the project, or edit text.
_RUNS_PROJECT = re.compile(r"python[\d.]*|node|sed|pytest")


@dataclass
class _Lines:
    """The lines of one tier: `groups` are titles with lines, in the templates' order."""

    groups: list[tuple[str, list[str]]] = field(default_factory=list)
    proof: list[Obligation] = field(default_factory=list)

    def add(self, title: str, line: str) -> None:
        for known, lines in self.groups:
            if known == title:
                lines.append(line)
                return
        self.groups.append((title, [line]))

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines."""
        return tuple(line for _, lines in self.groups for line in lines)


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal of safe lines and one of lines for review, if a COPY of this Dockerfile is broad."""
    broad = _broad(build)
    if broad is None:
        return
    where, whole = broad
    if build.doubt:
        yield Refusal(NAME, where, build.doubt)
        return
    safe, review = _Lines(), _Lines()
    for group in _groups(build, whole):
        try:
            _take(build, group, safe, review)
        except Declined as declined:
            yield Refusal(NAME, where, declined.premise, declined.because)
    secrets = tuple(secrets_in_reach(build))
    if safe.lines:
        yield _proposal(build, where, safe, secrets if not review.lines else ())
    if review.lines:
        yield _proposal(build, where, review, secrets)


def _broad(build: Build) -> tuple[Place, bool] | None:
    """Return the first COPY or ADD of a directory of the context, and whether one brings all of it."""
    found = []
    for stage in build.stages:
        for instruction in stage.instructions:
            copy = build.copy(instruction)
            if copy:
                found += [
                    (build.place(instruction), mapping.source in ("", "."))
                    for mapping in copy.mappings
                    if mapping.is_dir
                ]
    return (found[0][0], any(whole for _, whole in found)) if found else None


def _groups(build: Build, whole: bool) -> Iterator[dict[str, Any]]:
    names = ["common", *_ecosystems(build)]
    for name in names:
        for group in templates.data(f"ignore/{name}.toml").get("group", ()):
            lines = [line for line in group["lines"] if whole or line.startswith("**/")]
            if lines:
                yield {**group, "lines": lines}
    installed = sorted(_installed(build))
    if installed and whole:
        yield {"title": "Dependencies that the build installs", "tier": "safe", "lines": installed, "made": True}


def _ecosystems(build: Build) -> list[str]:
    found = set()
    for stage, run in build.runs():
        view = build.view(stage, run.instruction)
        found |= {command.ecosystem for step in run.steps if (command := ecosystems.recognise(step, view))}
    return sorted({one.IGNORE for one in ecosystems.discover() if one.NAME in found and one.IGNORE})


def _installed(build: Build) -> Iterator[str]:
    """Yield the context paths of directories that an install of this Dockerfile makes anew where a COPY puts files."""
    for stage, run in build.runs():
        view = build.view(stage, run.instruction)
        for step in run.steps:
            command = ecosystems.recognise(step, view)
            for write in command.writes if command and not command.declined else ():
                if write.replaced:
                    yield from (path for copy in view.copies for path in copy.below(write.path) if path != ".")


def _take(build: Build, group: dict[str, Any], safe: _Lines, review: _Lines) -> None:
    """Sort the lines of a template's group into the tiers, with the proof for each."""
    asked = _run_by_dockerfiles(build, group.get("unless_run")) or _named_by_project(build, group)
    if group.get("unless_unknown") and asked is None:
        asked = _unknown_program(build) or _sets_hooks(build)
    target = review if group["tier"] == "review" or asked else safe
    for line in group["lines"]:
        sample = line.replace("**/", "").replace("*", "x")
        if _covered(build, line, sample) or revives(build.context, line):
            continue
        if group.get("present") and not build.context.glob(line):
            continue
        asker = needed(build, sample) or (
            relied_on(build, line, ecosystems.installing()) if group.get("made") else None
        )
        if asker:
            raise Declined(f"{line} is needed: `{asker.raw}` is copied or mounted by name", asker.where)
        if target is safe and _own_content(build, group, line):
            continue
        target.add(group["title"], line)
    if asked and target.lines:
        target.proof.append(
            assumed(
                f"nothing in the image needs {', '.join(group['lines'])}", "what is named here may ask for it", asked
            )
        )
    elif target is review and any(line in target.lines for line in group["lines"]):
        target.proof.append(
            assumed(f"no step and no program reads {group['title'].lower()}", "programs do read such files")
        )
    elif any(line in target.lines for line in group["lines"]):
        made = (
            "the build makes them itself"
            if group.get("made")
            else "they belong to tools and laptops, not to the program"
        )
        target.proof.append(proved(f"no step and no program of the image reads what is under '{group['title']}'", made))


def _covered(build: Build, line: str, sample: str) -> bool:
    """Tell whether the ignore file already excludes all that `line` would."""
    samples = [sample, f"{sample}/x"]
    if line.startswith("**/"):
        samples += [f"a/{sample}", f"a/b/{sample}/x"]
    return all(excludes(build.context, (), one) for one in samples)


def _own_content(build: Build, group: dict[str, Any], line: str) -> bool:
    """Tell whether the context has files under a virtual environment's name that are no virtual environment."""
    if line.startswith("**/") or group.get("made") or not build.context.is_dir(line) or line.startswith("."):
        return False
    return not build.context.exists(f"{line}/pyvenv.cfg")


def _unknown_program(build: Build) -> Place | None:
    """Return the first command behind a COPY of everything that nothing is known of; the project's code was read."""
    for stage, run in build.runs():
        view = build.view(stage, run.instruction)
        if not any(mapping.source in ("", ".") for copy in view.copies for mapping in copy.mappings):
            continue
        if run.opaque:
            return build.place(run.instruction)
        for step in run.steps:
            command = ecosystems.recognise(step, view)
            known = command is not None and not command.project
            known = known or effect(step) is not None or _RUNS_PROJECT.fullmatch(step.program or "") is not None
            if not known and not asks_no_git(step, view):
                return build.step_place(run, step)
    return None


def _sets_hooks(build: Build) -> Place | None:
    """Return the first install that sets git hooks, and leaves files of its own, where a COPY brings `.git`."""
    for stage, run in build.runs():
        view = build.view(stage, run.instruction)
        for step in run.steps:
            command = ecosystems.recognise(step, view)
            if command is None or step.cwd is None:
                continue
            written = {write.path for write in command.writes if write.path.endswith("/.git")}
            if command.declined and _HOOKS.search(view.read(posixpath.join(step.cwd, "package.json")) or ""):
                written.add(posixpath.join(step.cwd, ".git"))
            if any(view.exists(path) for path in written):
                return build.step_place(run, step)
    return None


def _run_by_dockerfiles(build: Build, pattern: str | None) -> Place | None:
    """Return the instruction of any Dockerfile of this context that `pattern` describes."""
    for path, dockerfile in build.dockerfiles if pattern else ():
        for instruction in dockerfile.instructions:
            if re.search(str(pattern), dockerfile.source(instruction.span)):
                return Place(path, instruction.first)
    return None


def _named_by_project(build: Build, group: dict[str, Any]) -> Place | None:
    """Return where a file of the context, or a Dockerfile, names what the group's pattern describes."""
    pattern, words, lines = group.get("unless_named"), tuple(group.get("words", ())), tuple(group["lines"])
    if not pattern:
        return None
    context = build.context
    named = context.once((NAME, pattern, words, lines), lambda: _named_by_files(context, pattern, words, lines))
    return named or _run_by_dockerfiles(build, pattern)


def _named_by_files(context: Context, pattern: str, words: Sequence[str], lines: Sequence[str]) -> Place | None:
    """Return where a file that stays behind the ignore file's new `lines` names what the pattern describes."""
    regex, mine = re.compile(pattern), ignorefile.parse("\n".join(lines))
    for entry in context.files():
        if (
            entry.size > _LARGEST
            or not _TEXT_NAMES.search(entry.path)
            or _NOT_ASKED.search(entry.path)
            or mine.excludes(entry.path)
        ):
            continue
        text = context.read(entry.path) or ""
        # The words are looked for first: that is many times faster than the pattern.
        if any(word in text for word in words):
            for number, line in enumerate(text.split("\n"), 1):
                if any(word in line for word in words) and regex.search(line):
                    return Place(entry.path, number)
    return None


def _proposal(build: Build, where: Place, found: _Lines, secrets: Sequence[str]) -> Proposal:
    text = build.ignore_text or ""
    rendered = templates.render("dockerignore.j2", groups=found.groups, text=text)
    edit = ignore_edit(build, rendered.rstrip("\n").split("\n"))
    after = build.context.with_ignore(text + edit.text)
    kept = {entry.path for entry in after.files()}
    title = f"{'extend' if build.ignore_text is not None else 'write'} {build.context.ignore_path}"
    return Proposal(
        NAME,
        title,
        "a COPY no longer misses its cache, or carries files into the image, for what the program does not need",
        where,
        (edit,),
        tuple(found.proof),
        (*_savings(build.context.files(), kept), *secrets),
    )


def _savings(files: Sequence[Entry], kept: Collection[str]) -> Iterator[str]:
    """Yield how much is left out of the context, and what: whole directories where nothing stays in them."""
    gone = [entry for entry in files if entry.path not in kept]
    if not gone:
        yield "nothing that is in the context now is left out"
        return
    total = sum(entry.size for entry in files)
    saved = sum(entry.size for entry in gone)
    yield f"{saved:,} of {total:,} bytes of the context are left out"
    staying = {directory for path in kept for directory in _above(path)}
    tops: dict[str, list[int]] = {}
    for entry in gone:
        top = next((f"{directory}/" for directory in _above(entry.path) if directory not in staying), entry.path)
        tops.setdefault(top, []).append(entry.size)
    for path, sizes in sorted(tops.items()):
        count = "1 file" if len(sizes) == 1 else f"{len(sizes)} files"
        yield f"left out: {path} ({count}, {sum(sizes):,} bytes)"


def _above(path: str) -> list[str]:
    """Return the directories above a path, the highest first."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
