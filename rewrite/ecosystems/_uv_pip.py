"""``uv pip``: requirements files and projects as pip reads them, and pyproject.toml, which uv reads as one more.

Facts: uv's documentation (the pip interface) and its help: without ``--system``, ``--python``, ``--target`` or
``--prefix`` it installs into the active environment or the next ``.venv``.
"""

from __future__ import annotations

import posixpath
import re

from ..build.build import View
from ..build.options import Argument
from ..build.runs import Step
from ..model import Declined, proved
from . import Command, Fetch, Read, ScriptEdit, Site, Write
from ._members import above, image_path
from ._pip_settings import prefixes, settings
from ._python_environment import environment, home_writes
from ._python_project import load_toml, table
from ._requirements import Reader
from ._uv_project import CONFIGURATION
from ._uv_settings import Line, check, configuration, read_line, start_directory, switched

_FILES: tuple[str, ...] = (
    "-r",
    "--requirement",
    "--requirements",
    "-c",
    "--constraint",
    "--constraints",
    "--override",
    "--overrides",
)
_FILES += ("--excludes", "-b", "--build-constraint", "--build-constraints")
_PROJECT = re.compile(r"(?P<path>\.{1,2}(?:/[\w./-]*)?)(?:\[(?P<extras>[\w.,\s-]+)\])?")
_AGAIN = (
    "-U",
    "--upgrade",
    "--upgrade-package",
    "--reinstall",
    "--reinstall-package",
    "--exact",
    "--no-build-isolation",
)
_PLACES = ("-t", "--target", "--prefix")
_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg")


def pip_command(step: Step, view: View, line: Line, title: str) -> Command:
    """Return what ``uv pip install``, ``sync``, ``compile`` and ``uninstall`` do; raises Declined."""
    verb = line.verb.removeprefix("pip ")
    if verb not in ("install", "sync", "compile", "uninstall"):
        raise Declined(f"{title} is not known")
    directory = start_directory(step, line)
    reader = _reader(step, view, line, directory)
    places = [directory, *above(directory)]
    names = (*CONFIGURATION, "pyproject.toml")
    reader.reads += [Read(posixpath.join(place, name), "uv's settings") for place in places for name in names]
    reader.reads += [*configuration(step, line, view), *settings(step, view)]
    if verb == "compile":
        reader.writes += [
            Write(image_path(step, value), "its output", local=False) for value in line.values("-o", "--output-file")
        ]
    else:
        reader.writes += _written(step, view, line, directory)
    reader.writes += home_writes(step)
    reads, writes, proof = dict.fromkeys(reader.reads), dict.fromkeys(reader.writes), dict.fromkeys(reader.proof)
    installs = verb in ("install", "sync")
    return Command(
        "uv", title, installs, tuple(reads), tuple(writes), None, tuple(proof), reader.environment, strangers=True
    )


def _reader(step: Step, view: View, line: Line, directory: str) -> Reader:
    """Return a reader that has taken all that the command is asked to install."""
    reader = Reader(view, step.cwd, step.env)
    files = line.values(*_FILES)
    if line.verb in ("pip sync", "pip compile"):
        files += line.operands
    elif line.verb == "pip install":
        for operand in line.operands:
            reader.take("package", operand)
        for value in line.values("-e", "--editable"):
            reader.take("editable", value)
    for name in files:
        if posixpath.basename(name) in _MANIFESTS:
            _manifest(reader, step, view, name)
        elif name.endswith((".py", ".toml", ".cfg")) or name == "-":
            raise Declined(f"what {name} asks for is not known")
        else:
            reader.take("requirements", name)
    for value in line.values("--group"):
        reader.take("group", value)
    return reader


def _manifest(reader: Reader, step: Step, view: View, name: str) -> None:
    """Take the dependencies that a pyproject.toml lists; one that has to be built to know them is not followed."""
    path = image_path(step, name)
    data = load_toml(path, view) if path.endswith(".toml") else None
    place = view.place(path)
    if data is None:
        raise Declined(f"{name} has to be run or built to know what it asks for", place)
    project = table(data, "project")
    dynamic = set(project.get("dynamic", ()))
    if not project or dynamic & {"dependencies", "optional-dependencies"}:
        raise Declined(f"{name} has to be built to know what it asks for", place)
    uv = table(data, "tool", "uv")
    if any("path" in str(source) or "workspace" in str(source) for source in table(uv, "sources").values()):
        raise Declined(f"{name} asks for packages of the tree", place)
    if re.search(r"@\s*file:", view.read(path) or "") or {"find-links", "index", "index-url"} & uv.keys():
        raise Declined(f"{name} looks for packages in places of its own", place)
    reader.reads.append(Read(path, "it lists the dependencies", required=True))


def pip_fetch(site: Site) -> Fetch | None:
    """Return an install of what a project's pyproject.toml lists, for a ``uv pip install`` of the project itself."""
    step, view = site.step, site.view
    line = read_line(step, "pip install")
    check(step, line)
    named = [value for value in (*line.operands, *line.values("-e", "--editable")) if _PROJECT.fullmatch(value)]
    if not named or line.on("--no-deps", "--dry-run"):
        return None
    if len(named) > 1 or line.on(*_AGAIN):
        raise Declined("it installs more than what is missing, or more than one project")
    match = _PROJECT.fullmatch(named[0])
    manifest = posixpath.normpath(posixpath.join(match["path"], "pyproject.toml")) if match else ""
    reader = _reader(step, view, _replaced(line, named[0], manifest), start_directory(step, line))
    data = load_toml(image_path(step, manifest), view) or {}
    name = table(data, "project").get("name", "")
    if re.search(rf"\b{re.escape(str(name))}\s*\[", str(table(data, "project").get("optional-dependencies"))):
        raise Declined("its extras name the project itself", view.place(image_path(step, manifest)))
    extras = [extra.strip() for extra in (match["extras"] or "").split(",")] if match and match["extras"] else []
    written = [one for one in _written(step, view, line, start_directory(step, line)) if "environment" in one.why]
    return Fetch(
        "uv pip install",
        _without(site, named[0], " ".join(["-r", manifest, *(f"--extra {extra}" for extra in extras)])),
        "an edit of a source file no longer installs the dependencies again",
        tuple(dict.fromkeys([*reader.reads, *configuration(step, line, view)])),
        tuple(written),
        (
            *reader.proof,
            proved("the layer holds what the project needs, but not the project", f"{manifest} lists it"),
            proved(
                "uv pip install leaves the same behind it",
                "what the layer holds fits, so that only the project is missing",
            ),
        ),
        exact=True,
        edits=(_no_deps(site),),
    )


def _no_deps(site: Site) -> ScriptEdit:
    """Spare a command whose dependencies are there a second resolution: uv asks the index again for each of them."""
    verb = site.step.words.index("install")
    return ScriptEdit(site.step.simple.words[verb].span, " --no-deps")


def _replaced(line: Line, operand: str, manifest: str) -> Line:
    """Return the command line with a manifest in place of a project."""
    operands = tuple(value for value in line.operands if value != operand)
    options = tuple(item for item in line.options if item.value != operand)
    return Line(line.verb, operands, (*options, Argument("-r", manifest, 0)))


def _without(site: Site, operand: str, text: str) -> str:
    """Return the command's text with `text` in place of the word `operand`, and of an ``-e`` before it."""
    simple, words = site.step.simple, list(site.step.words)
    at = words.index(operand) if operand in words else -1
    if at < 0:
        raise Declined(f"{operand} cannot be taken out of the command")
    raw = [word.raw for word in simple.words]
    first = at - 1 if words[at - 1] in ("-e", "--editable") else at
    start = simple.assignments[0].span.start if simple.assignments else simple.words[0].span.start
    prefix = site.run.text.text[start : simple.words[0].span.start]
    return prefix + " ".join([*raw[:first], text, *raw[at + 1 :]])


def builds_local(step: Step, view: View, line: Line) -> bool:
    """Tell whether a command builds a package of the tree; raises Declined if that is not known."""
    reader = _reader(step, view, line, start_directory(step, line))
    return reader.environment or any(
        path.endswith(("/setup.py", "/setup.cfg")) for path in (r.path for r in reader.reads)
    )


def _written(step: Step, view: View, line: Line, directory: str) -> list[Write]:
    """Return where the packages go."""
    found = [Write(image_path(step, value), "uv installs there") for value in line.values(*_PLACES)]
    for value in line.values("-p", "--python"):
        if "/" in value:
            interpreter = image_path(step, value)
            prefix = posixpath.dirname(posixpath.dirname(interpreter))
            found += [Write(path, "uv installs there") for path in (prefix, interpreter)]
    found += prefixes(step, view)
    if not switched(step, line, "--system", "UV_SYSTEM_PYTHON") and not step.env.get("VIRTUAL_ENV"):
        why = "uv installs into the next environment"
        found += [
            environment(posixpath.join(place, ".venv"), view, step, why) for place in (directory, *above(directory))
        ]
    return found
