"""What building a Python project from the tree reads: pyproject.toml, setup.cfg, and setup.py through libcst."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rewrite.build.build import Build, View
from rewrite.build.context import Context, MemoryTree
from rewrite.ecosystems._python_project import project_reads
from rewrite.ecosystems._setup_script import read_script
from rewrite.model import Declined, Place
from rewrite.source import dockerfile

SETUP = Place("setup.py")
POETRY = "poetry.core.masonry.api"


def view(files: Mapping[str, str]) -> View:
    """Return the view of an image into whose /app these files are copied."""
    context = Context(MemoryTree({name: text.encode() for name, text in files.items()}), None, ".dockerignore", ".")
    build = Build("Dockerfile", dockerfile.parse("FROM python\nWORKDIR /app\nCOPY . .\nRUN true\n"), context)
    ((stage, run),) = build.runs()
    return build.view(stage, run.instruction)


def reads(files: Mapping[str, str], *, editable: bool = False) -> list[str]:
    """Return what installing /app/lib reads; the files are in lib unless their name begins with ``/``."""
    placed = {name.lstrip("/") if name.startswith("/") else f"lib/{name}": text for name, text in files.items()}
    return [read.path for read in project_reads("/app/lib", view(placed), editable)[0]]


def back_end(name: str, rest: str = "", requires: str = "") -> str:
    """Return a pyproject.toml."""
    return f'[build-system]\nrequires = [{requires}]\nbuild-backend = "{name}"\n[project]\nname = "lib"\n{rest}'


@pytest.mark.parametrize(
    ("script", "paths"),
    [
        ("open('README.md')", []),
        ("open('../VERSION')", ["../VERSION"]),
        ("import io\nio.open(file='../VERSION')", ["../VERSION"]),
        ("version_file = '../VERSION'\nopen(version_file)", ["../VERSION"]),
        ("import os\nopen(os.path.join(os.path.dirname(__file__), '..', 'VERSION'))", ["../VERSION"]),
        ("import os\nhere = os.path.abspath(os.path.dirname(__file__))\nopen(os.path.join(here, '..', '..', 'V'))",
         ["../../V"]),
        ("from pathlib import Path\n(Path(__file__).parent / 'VERSION').read_text()", []),
        ("from pathlib import Path\n(Path(__file__).resolve().parent.parent / 'VERSION').read_text()", ["../VERSION"]),
        ("from pathlib import Path\nPath('../VERSION').read_text()", ["../VERSION"]),
        ("from setuptools import setup\nsetup(package_dir={'': '../src'})", ["../src"]),
        ("def read(*names):\n    return open(names[0])\nread('..', 'VERSION')", [".."]),
        ("open('/etc/os-release')", ["/etc/os-release"]),
        ("'a/b'.split('/')", []),
        ("from setuptools import setup\nsetup(long_description='See ... or ../x for more')", []),
        ("import platform\nplatform.system()", []),
        ("open('.' '.' '/VERSION')", ["../VERSION"]),
    ],
)  # fmt: skip
def test_paths_that_setup_names(script: str, paths: list[str]) -> None:
    assert list(read_script(script, SETUP).paths) == paths


@pytest.mark.parametrize(
    ("script", "premise", "line"),
    [
        ("import os\nimport subprocess\n", "it uses subprocess", 2),
        ("import mylib\n", "it imports mylib", 1),
        ("from mylib.version import __version__\n", "it imports mylib", 1),
        ("from . import version\n", "it imports .", 1),
        ("import os\nos.system('git describe')\n", "it uses system", 2),
        ("import os\nos.environ['VERSION']\n", "it uses environ", 2),
        ("from os import environ as e\n", "it uses environ", 1),
        ("import os\nos.path.dirname(os.path.dirname(__file__))\n", "it climbs out", 2),
        ("import os\nhere = os.getcwd()\nos.path.dirname(here)\n", "it climbs out", 3),
        ("import os\nos.path.join(os.pardir, 'VERSION')\n", "it uses pardir", 2),
        ("from pathlib import Path\nroot = Path(__file__).parent.parent\n", "it climbs out", 2),
        ("here = make()\nhere.parent\n", "it climbs out", 2),
        ("from pathlib import Path\nPath(__file__).parents[1]\n", "it uses parents", 2),
        ("name = 'x'\nopen(f'../{name}')\n", "it computes a path", 2),
        ("exec(compute())\n", "it runs code that is not named in it", 1),
        ("print 'hello'\n", "it cannot be parsed", 1),
    ],
)
def test_setup_that_cannot_be_followed(script: str, premise: str, line: int) -> None:
    with pytest.raises(Declined) as declined:
        read_script(script, SETUP)
    assert declined.value.premise.startswith(premise)
    assert declined.value.because == Place("setup.py", line)


def test_code_that_setup_runs_is_read_too() -> None:
    setup = "from os.path import join\nscope = {}\nexec(open(join('lib', 'version.py')).read(), scope)\n"
    assert read_script(setup, SETUP).code == ("lib/version.py",)
    found = {"setup.py": setup, "lib/version.py": "__version__ = open('../VERSION').read()", "/VERSION": "1"}
    assert reads(found) == ["/app/lib", "/app/VERSION"]
    with pytest.raises(Declined, match="uses subprocess") as declined:
        reads({**found, "lib/version.py": "\nimport subprocess\n"})
    assert declined.value.because == Place("lib/lib/version.py", 2)


def test_a_path_outside_has_to_be_in_the_context() -> None:
    with pytest.raises(Declined, match=r"setup.py reads \.\./VERSION, which is outside of the project"):
        reads({"setup.py": "open('../VERSION')"})


@pytest.mark.parametrize(
    ("pyproject", "more"),
    [
        (back_end("setuptools.build_meta", requires='"setuptools>=61", "wheel"'), []),
        (back_end("flit_core.buildapi", requires='"flit_core >=3.2,<4"'), []),
        (back_end(POETRY, '[tool.poetry.dependencies]\nrequests = "^2"\n'), []),
        (back_end("pdm.backend"), []),
        (back_end("uv_build", '[tool.uv.sources]\nother = { path = "../other" }\n'), []),
        (back_end("hatchling.build"), ["/app/.gitignore", "/app/.hgignore", "/.gitignore", "/.hgignore"]),
        ("[tool.black]\nline-length = 100\n", []),
    ],
)
def test_back_ends(pyproject: str, more: list[str]) -> None:
    assert reads({"pyproject.toml": pyproject}) == ["/app/lib", *more]


@pytest.mark.parametrize(
    ("files", "premise"),
    [
        ({}, "holds neither pyproject.toml nor setup.py"),
        ({"pyproject.toml": "= 1"}, "it cannot be read"),
        ({"pyproject.toml": back_end("maturin")}, "the build back end maturin"),
        ({"pyproject.toml": '[build-system]\nbackend-path = ["."]\nbuild-backend = "x"'}, "is part of the project"),
        ({"pyproject.toml": back_end("hatchling.build", requires='"hatch-vcs"')}, r"from git \(hatch-vcs\)"),
        ({"pyproject.toml": back_end("hatchling.build", requires='"hatch_fancy"')}, "requirement hatch_fancy reads"),
        ({"pyproject.toml": back_end("hatchling.build", 'readme = "../README.md"')}, r"outside of the project, \.\./R"),
        ({"pyproject.toml": back_end("hatchling.build", "[tool.hatch.build.hooks.custom]\n")}, "has hooks"),
        ({"pyproject.toml": back_end("hatchling.build", '[tool.hatch.version]\nsource = "code"\n')}, "has source"),
        ({"pyproject.toml": back_end("hatchling.build"), "hatch.toml": ""}, "follows hatch.toml"),
        ({"pyproject.toml": back_end("pdm.backend"), "pdm_build.py": ""}, "follows pdm_build.py"),
        ({"pyproject.toml": back_end("pdm.backend", '[tool.pdm.version]\nsource = "scm"\n')}, "has source"),
        ({"pyproject.toml": back_end(POETRY, '[tool.poetry.build]\nscript = "b.py"\n')}, "has script"),
        ({"pyproject.toml": back_end(POETRY, '[tool.poetry.dependencies]\na = {path = "a"}\n')}, "path, a"),
        ({"pyproject.toml": back_end(POETRY), "/.git/HEAD": ""}, "asks git"),
        ({"pyproject.toml": back_end("uv_build", 'dependencies = ["a @ file:///app/a"]')}, "dependency of it"),
        ({"pyproject.toml": back_end("setuptools.build_meta"), "requirements.txt": "a @ file:///app/a"}, "it lists"),
        ({"setup.py": "setup(setup_requires=['pbr'], pbr=True)"}, r"from git \(pbr\)"),
        ({"setup.py": "", "setup.cfg": "[metadata]\nlong_description = file: ../README.md\n"}, "outside of"),
    ],
)  # fmt: skip
def test_projects_that_cannot_be_followed(files: dict[str, str], premise: str) -> None:
    with pytest.raises(Declined, match=premise):
        reads(files)


def test_extensions_built_in_place() -> None:
    files = {"setup.py": "from setuptools import setup\nsetup(ext_modules=[])\n"}
    assert reads(files) == ["/app/lib"]
    with pytest.raises(Declined, match="builds extensions in place"):
        reads(files, editable=True)


def test_what_setuptools_leaves() -> None:
    _, outputs = project_reads("/app/lib", view({"lib/setup.py": ""}), False)
    assert outputs == ("/app/lib/build", "/app/lib/**/*.egg-info")
