"""What holds for every ecosystem: its module is complete, and no command line or file makes it fail."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rewrite import ecosystems
from rewrite.build.build import Build
from rewrite.build.context import Context, MemoryTree
from rewrite.ecosystems import Command, Ecosystem, Site
from rewrite.model import Declined
from rewrite.source import dockerfile

MODULES = ecosystems.discover()
NAMES = [module.NAME for module in MODULES]
IGNORE_LINES = Path(__file__).parent.parent / "templates" / "ignore"
COMMANDS = sorted({command for tool in ecosystems.tools() for command in tool.installs})
FILES = sorted({name for tool in ecosystems.tools() for name in (*tool.manifests, *tool.lockfiles) if "*" not in name})

# Words that a table of options does not hold, or that no manager takes where they stand.
STRANGE = r"""
'' - -- --- = -= --= --x= -e -r -c -C -f -p --prefix --root -h . .. / ./ ../x ~ ~/x a/b @ @a a@ a@b@c @/ : :: a:b file:
file:x * git+ git+https://example.org/a#egg https:// x.whl .[a] .[ [ ] {} $UNKNOWN a$UNKNOWN $HOME/x -$UNKNOWN
--x=$UNKNOWN $(cat) ./* é -é \- >x <$UNKNOWN 1 -1 true & install add ci run build -m update sync --offline --frozen
""".split()
BROKEN = [
    text.replace("%", "\n")
    for text in r"""
{}
[]
null
3
"x"
[x]
[[x]]
x: [
x: {y: 1}
a = 1
<a/>
<a>
%%%
[project]%name = 3
[project]%dependencies = 'a'
[tool.poetry]%dependencies = []
[tool.uv.sources]%a = 1
{"dependencies": 3}
{"dependencies": {"a": null}}
{"workspaces": [1]}
{"scripts": {"install": []}}
{"packages": {"": 1}}
{"packages": []}
lockfileVersion: x%
module x%require (
<project><modules/></project>
""".split("\n")
]


def programs() -> list[str]:
    """Return the beginnings of command lines: the programs alone, and with their subcommand."""
    first = {command.split()[0] for command in COMMANDS}
    return sorted(first | set(COMMANDS))


lines = st.builds(
    lambda start, words: " ".join([start, *words]),
    st.sampled_from(programs()),
    st.lists(st.one_of(st.sampled_from(STRANGE), st.text(max_size=6).map(shlex.quote)), max_size=5),
)
projects = st.dictionaries(st.sampled_from(FILES), st.sampled_from(BROKEN), max_size=4)


def sites(run: str, files: dict[str, str]) -> list[Site]:
    """Return where each command of ``RUN run`` runs, in a project of these files."""
    tree = dockerfile.parse(f'FROM debian:12\nWORKDIR /app\nCOPY . .\nRUN {run}\nCMD ["x"]\n')
    if tree.problems:
        return []
    context = Context(MemoryTree({name: text.encode() for name, text in files.items()}), None, ".dockerignore", ".")
    build = Build("Dockerfile", tree, context)
    return [Site(build, stage, found, step) for stage, found in build.runs() for step in found.steps]


@pytest.mark.parametrize("module", MODULES, ids=NAMES)
def test_module_is_complete(module: Ecosystem) -> None:
    assert module.__name__.rpartition(".")[2].replace("_", "-") == module.NAME.lower()  # type: ignore[attr-defined]
    assert module.TOOLS
    assert module.IGNORE == "" or (IGNORE_LINES / f"{module.IGNORE}.toml").exists()
    assert isinstance(module.INSTALLING, re.Pattern) and isinstance(module.CONFIGURES, re.Pattern)
    for tool in module.TOOLS:
        assert tool.source
        for place in tool.caches:
            assert place.kind in ("A", "B", "C")
            assert place.sharing in ("shared", "locked", "private")
            assert place.why
            # What is never mounted may lie in the project.
            assert place.kind == "C" or place.path.startswith(("/", "~", "$"))


def test_names_are_of_one_module_each() -> None:
    assert len(set(NAMES)) == len(NAMES)
    names = [tool.name for tool in ecosystems.tools()]
    assert len(set(names)) == len(names)


# What compiles is known for its use of ccache only.
@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"make", "ninja", "cmake --build"}))
def test_what_is_shown_is_known(command: str) -> None:
    found = [
        one
        for site in [*sites(command, {}), *sites(f"{command} x", {})]
        if (one := ecosystems.recognise(site.step, site.view)) is not None
    ]
    assert found, command


@given(lines, projects)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_command_line_makes_one_fail(run: str, files: dict[str, str]) -> None:
    for site in sites(run, files):
        for module in MODULES:
            command = module.recognise(site.step, site.view)
            assert command is None or isinstance(command, Command)
            assert all(path.startswith("/") for path in module.cleaned(site.step))
            for asked in (module.cache, module.fetch, module.clean):
                try:
                    asked(site)
                except Declined as declined:
                    assert declined.premise


def test_a_command_is_recognised_once() -> None:
    tree = dockerfile.parse("FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm ci\n")
    found = Build("Dockerfile", tree, Context(MemoryTree({"package.json": "{}"}), None, ".dockerignore", "memory"))
    (stage, run), *_ = found.runs()
    view = found.view(stage, run.instruction)
    assert found.view(stage, run.instruction) is view
    first, second = (ecosystems.recognise(step, view) for step in run.steps)
    assert ecosystems.recognise(run.steps[0], view) is first
    assert first == second
    assert first is not second
