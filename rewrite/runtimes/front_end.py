"""Static front ends: what a build leaves for browsers, served by nginx in the place of ``serve -s``.

Facts: the README of serve (``-s`` answers every path that is no file with index.html, ``-l`` is the port, and
``serve.json`` configures it), nginx' documentation of ``try_files``, the nginx image's README (conf.d, nginx starts as
root). Servers that list directories, or answer in another way, are left to Node.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from ..build.runs import Run, Step
from ..model import Declined, assumed, proved
from ..templates import render
from . import Carried, Runtime
from ._bases import reference
from ._calls import Call
from ._candidate import Candidate
from ._distribution import ALPINE, DEBIAN, installed, needed
from ._files import Project
from ._node_package import MANAGERS, Package

NAME = "front-end"

_CONFIGURATION = re.compile(r"[^/]*\.(?:json|[cm]?[jt]s)\Z")
_SILENT = frozenset({"-s", "--single", "-L", "--no-request-logging", "-n", "--no-clipboard", "--no-port-switching"})
_PORT = ("-l", "--listen", "-p")


def plan(candidate: Candidate) -> Runtime | None:
    """Return nginx for a front end that ``serve -s`` serves; None where something else starts."""
    image = reference(candidate.stage)
    if image.name != "node" or not candidate.stage.base.official or "serve" not in _text(candidate):
        return None
    package = _package(candidate)
    words = tuple(_served(candidate, package)) if package else ()
    # As one of the project's own packages it is Node's to run.
    if package is None or words[:1] != ("serve",) or "serve" in package.runtime:
        return None
    port, directory = _arguments(candidate, words)
    path = posixpath.normpath(posixpath.join(candidate.stage.end.workdir or "%", directory))
    _built(candidate, package, path)
    _unconfigured(candidate, package)
    family = ALPINE if image.alpine else DEBIAN
    distribution = replace(family, accounts=frozenset({"root", "nginx"}), programs=family.programs | {"nginx"})
    others = (*candidate.made(_mine), *candidate.brought())
    health = [call for call in candidate.calls if call is not candidate.start]
    packages = (*needed(candidate, distribution, frozenset(), health), *installed(candidate, distribution, False))
    configuration = render("stages/nginx.conf.j2", port=port, root=path)
    return Runtime(
        f"{directory} by nginx",
        "nginx:stable-alpine" if image.alpine else "nginx:stable",
        distribution,
        (Carried(path), *(Carried(one) for one in others)),
        tuple(sorted(set(packages))),
        (_writing(candidate, configuration),),
        starts=False,
        proof=(
            proved("the port and the answer to a path that is no file stay", "serve's options", candidate.start.where),
            assumed(
                "browsers do not depend on what only serve does",
                "nginx sends other headers, and does not lead from /page.html to /page",
                candidate.start.where,
            ),
        ),
    )


def _text(candidate: Candidate) -> str:
    """Return what may name the server: the last CMD and ENTRYPOINT, and package.json for its scripts."""
    lines = [one.body.text for one in candidate.stage.instructions if one.keyword in ("CMD", "ENTRYPOINT")]
    package = _package(candidate)
    return " ".join((*lines, *(map(str, package.table("scripts").values()) if package else ())))


def _package(candidate: Candidate) -> Package | None:
    """Return the package.json where the first command of a package manager runs."""
    for _, step in candidate.steps:
        path = f"{step.cwd}/package.json"
        text = candidate.read(path) if step.program in MANAGERS and step.cwd else None
        if text is not None:
            return Package.parse(str(step.cwd), text, candidate.view.place(path))
    return None


def _served(candidate: Candidate, package: Package) -> Iterator[str]:
    """Yield the words of the server's command, if that is all that starts."""
    calls = tuple(package.expand(candidate.start))
    if len(calls) != 1 or set(calls[0].helpers) - MANAGERS:
        return
    words = calls[0].words
    if calls[0].program == "npx":
        words = tuple(
            word for at, word in enumerate(words[1:], 1) if word not in ("-y", "--yes") or "serve" in words[:at]
        )
    yield from words


def _arguments(candidate: Candidate, words: tuple[str, ...]) -> tuple[str, str]:
    """Return the port and the directory; raises Declined for what is not known to be the same with nginx."""
    where, port, operands, single = candidate.start.where, "", [], False
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        name, _, value = word.partition("=")
        if name in _PORT:
            port = value or (rest.pop(0) if rest else "")
        elif word.startswith("-") and word not in _SILENT:
            raise Declined(f"nginx may not do what serve's {word} does", where)
        elif not word.startswith("-"):
            operands.append(word)
        single = single or word in ("-s", "--single")
    if not single:
        raise Declined("without -s, serve lists directories, and nginx does not", where)
    if not port.isdigit():
        raise Declined("no -l says the port, which differs between versions of serve", where)
    if len(operands) != 1 or "$" in operands[0]:
        raise Declined("which directory is served is not known", where)
    return port, operands[0]


def _built(candidate: Candidate, package: Package, path: str) -> None:
    """Raise Declined if a script of package.json is not known to make the directory `path`."""
    project = Project(candidate, package.home, package.home, re.compile(r"\.tsx?\Z"))
    texts = {
        posixpath.basename(file): candidate.read(file) or ""
        for file, _ in project.files()
        if posixpath.dirname(file) == package.home and _CONFIGURATION.search(file)
    }
    outputs: list[str] = []
    for run, step in candidate.steps:
        words = tuple(word or "$" for word in step.words)
        if step.program in MANAGERS and package.run_of(words) and step.top is not None and step.item.operator != "||":
            outputs += package.outputs(Call(words, candidate.build.step_place(run, step), True), texts)
    if path not in [f"{package.home}/{name}" for name in outputs]:
        raise Declined("what is served is not known to be what the build makes", candidate.start.where)


def _writing(candidate: Candidate, configuration: str) -> str:
    """Return the RUN that writes nginx' configuration: hadolint does not read a COPY with a heredoc."""
    # In double quotes, as shellcheck takes a variable in single ones for a slip.
    quoted = ('"' + line.replace("$", r"\$") + '"' for line in configuration.splitlines())
    lines = [r"RUN printf '%s\n'", *quoted, "> /etc/nginx/conf.d/default.conf"]
    return f" {candidate.build.dockerfile.escape}\n    ".join(lines)


def _unconfigured(candidate: Candidate, package: Package) -> None:
    """Raise Declined where serve is configured, or nginx could not start."""
    for path in candidate.build.context.files():
        if posixpath.basename(path.path) in ("serve.json", "now.json"):
            raise Declined(f"{path.path} configures serve", candidate.start.where)
    if package.data.get("static") or package.data.get("now"):
        raise Declined("package.json configures serve", package.where)
    if candidate.stage.end.user not in ("", "root", "0"):
        raise Declined("nginx starts as root, and the program does not", candidate.start.where)
    # serve listens to IPv6 too, which a name may lead to.
    for call in candidate.calls:
        if call is not candidate.start and any("localhost" in word for word in call.words):
            raise Declined("localhost may be an address of IPv6, to which nginx does not listen", call.where)


def _mine(run: Run, step: Step) -> bool:
    """Judge the package managers: of what they leave, nginx needs nothing."""
    return step.program in MANAGERS
