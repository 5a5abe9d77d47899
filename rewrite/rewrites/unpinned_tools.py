"""Advise on tools that are installed in whatever version is the newest.

`pip install flask`, `npm install -g pnpm`, `go install x@latest`, `cargo install x`, `gem install x`, and a script from
the web that goes straight into a shell: the step is cached, so that two machines have two versions of it, and the next
build without a cache has a third. A version in the command, or a lockfile, says which one is meant.

Declines to speak of packages of the distribution (apt, apk, dnf), whose old versions go away; of pip, setuptools and
wheel; where a constraints file is in force; and where an address or an option has a version in it.

```diff
-RUN npm install -g pnpm
+RUN npm install -g pnpm@9.15.0
```
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ..build.build import Build
from ..build.runs import Run
from ..build.steps import Step
from ..model import Place, Proposal, Refusal, refuted

NAME = "unpinned-tools"

_PIP_VALUED = frozenset(
    "-r --requirement -c --constraint -i --index-url --extra-index-url -t --target --prefix --root -f --find-links"
    " --platform --python-version --only-binary --no-binary --trusted-host --timeout --retries --cache-dir -e"
    " --editable --progress-bar --src --python --abi --implementation --upgrade-strategy --proxy --log --cert"
    " --config-settings --index --index-strategy --report --root-user-action --extra --group".split()
)
_PIP_OWN = frozenset({"pip", "setuptools", "wheel"})
_NPM_VALUED = frozenset(
    "--registry --prefix --loglevel --cache --tag --omit --include --only --dir --store-dir".split()
)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w,.-]*\])?")
_PACKAGE = re.compile(r"(?:@[\w.-]+/)?[A-Za-z0-9][\w.-]*(?:@(?:latest|next))?")
_NEWEST = re.compile(r"[\w.-]+\.\w+/\S+@(?:latest|master|main|HEAD)")
_INTO_SHELL = re.compile(r"\|\s*(?:sudo\s+)?(?:env\s+)?(?:\w+=\S*\s+)*(?:\S*/)?(?:(?:ba|da|z)?sh|python3?)(?=\s|$)")
_VERSION = re.compile(r"\d+[._]\d+|_\d+\.x|/v?\d+/|VERSION")


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one piece of advice for each kind of install that names no version."""
    found: dict[str, list[tuple[Place, str]]] = {}
    for _, run in build.runs():
        for step in run.steps:
            for kind, names in _newest(run, step):
                found.setdefault(kind, []).extend((build.step_place(run, step), name) for name in names)
    for kind, uses in found.items():
        names = list(dict.fromkeys(name for _, name in uses))
        places = list(dict.fromkeys(place for place, _ in uses))
        few = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        also = ", ".join(str(place.line) for place in places[1:])
        yield Proposal(
            NAME,
            f"name the version that {kind} takes: {few}",
            "the same Dockerfile installs the same on every machine",
            places[0],
            (),
            (refuted(f"what {kind} installs is named", "it is what was newest when the step ran", places[0]),),
            (f"so do lines {also}",) if also else (),
        )


def _newest(run: Run, step: Step) -> Iterator[tuple[str, list[str]]]:
    """Yield the kind of an install, and what it installs without a version."""
    words = [word for word in step.words if word is not None]
    if step.program in ("curl", "wget"):
        text = run.text.text[step.item.span.start : step.item.span.end].replace("--tlsv1", "")
        if _INTO_SHELL.search(text) and not _VERSION.search(text) and not any("VERSION" in name for name in step.env):
            address = next((word for word in words if "://" in word), "")
            if address:
                yield "a script of the web", [address]
        return
    for starts, names_of in _INSTALLS:
        start = next((list(start) for start in starts if _begins(words, start)), None)
        names = names_of(words[len(start) :], step) if start else []
        if start and names:
            yield f"`{' '.join(start)}`", names


def _begins(words: Sequence[str], start: Sequence[str]) -> bool:
    return bool(words) and [words[0].rpartition("/")[2], *words[1 : len(start)]] == list(start)


def _operands(words: Sequence[str], valued: frozenset[str]) -> list[str]:
    """Return what is no option, nor the value of one."""
    found, skip = [], False
    for word in words:
        if not skip and not word.startswith("-"):
            found.append(word)
        skip = not skip and word in valued
    return found


def _pip(words: Sequence[str], step: Step) -> list[str]:
    constrained = {"-c", "--constraint"} & set(words) or any(word.startswith("--constraint=") for word in words)
    if constrained or {"PIP_CONSTRAINT", "UV_CONSTRAINT"} & step.env.keys() or None in step.words:
        return []
    names = [name for name in _operands(words, _PIP_VALUED) if _NAME.fullmatch(name) and not _is_file(name)]
    return [name for name in names if name.lower() not in _PIP_OWN]


def _is_file(name: str) -> bool:
    return name.endswith((".whl", ".zip", ".tar.gz"))


def _npm(words: Sequence[str], step: Step) -> list[str]:
    everywhere = {"-g", "--global", "--location=global"} & set(words)
    return [name for name in _operands(words, _NPM_VALUED) if _PACKAGE.fullmatch(name)] if everywhere else []


def _yarn(words: Sequence[str], step: Step) -> list[str]:
    return [name for name in _operands(words, _NPM_VALUED) if _PACKAGE.fullmatch(name)]


def _go(words: Sequence[str], step: Step) -> list[str]:
    return [word for word in words if _NEWEST.fullmatch(word)]


def _cargo(words: Sequence[str], step: Step) -> list[str]:
    told = ("--version", "--vers", "--git", "--path", "--rev", "--tag")
    if any(word.split("=")[0] in told for word in words) or None in step.words:
        return []
    valued = frozenset({"--root", "--features", "-F", "--target", "--profile", "-j", "--jobs", "--bin", "--registry"})
    return [name for name in _operands(words, valued) if re.fullmatch(r"[\w-]+", name)]


def _gem(words: Sequence[str], step: Step) -> list[str]:
    if any(word.split("=")[0] in ("-v", "--version") for word in words) or None in step.words:
        return []
    valued = frozenset({"-i", "--install-dir", "-n", "--bindir", "-s", "--source", "-P", "--trust-policy"})
    return [name for name in _operands(words, valued) if re.fullmatch(r"[\w-]+", name)]


_Names = Callable[[Sequence[str], Step], list[str]]
_INSTALLS: tuple[tuple[tuple[tuple[str, ...], ...], _Names], ...] = (
    ((("pip", "install"), ("pip3", "install"), ("uv", "pip", "install"), ("pipx", "install")), _pip),
    ((("python", "-m", "pip", "install"), ("python3", "-m", "pip", "install"), ("uv", "tool", "install")), _pip),
    ((("npm", "install"), ("npm", "i"), ("npm", "add"), ("pnpm", "add"), ("pnpm", "install")), _npm),
    ((("yarn", "global", "add"),), _yarn),
    ((("go", "install"), ("go", "get")), _go),
    ((("cargo", "install"),), _cargo),
    ((("gem", "install"),), _gem),
)
