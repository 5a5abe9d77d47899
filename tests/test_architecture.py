"""What holds the code together: who may import whom, what start-up loads, and that every rewrite shows what it does."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest
from building import build

from rewrite.build.build import Build
from rewrite.fix import fix
from rewrite.model import Tier
from rewrite.rewrites import discover
from rewrite.settings import Settings

PACKAGE = Path(__file__).parent.parent / "rewrite"
# Each layer may import from those before it; the first ones are everybody's.
BASICS = ("__version__", "model", "errors", "paths", "templates", "suppress")
LAYERS = (
    "source",
    "build",
    "ecosystems",
    "guess",
    "runtimes",
    "rewrites",
    "settings",
    "project",
    "fix",
    "verify",
    "report",
    "writer",
    "proving",
    "resolving",
    "run",
    "verifying",
    "options",
    "cli",
)
HEAVY = ("libcst", "jinja2", "pathspec", "rich", "ruamel", "click")


def layer(module: str) -> int:
    """Return where a module of the package stands; -1 for the basics, beyond the last for what ties all together."""
    top = module.split(".")[0]
    if top in BASICS or not top:
        return -1
    return LAYERS.index(top) if top in LAYERS else len(LAYERS)


def imports(path: Path) -> set[str]:
    """Return the modules of the package that a file imports, dotted, without the package's own name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = parts[: len(parts) - node.level]
        target = ".".join((*base, *(node.module or "").split("."))).strip(".")
        found |= (
            {f"{target}.{name.name}".strip(".") for name in node.names} if not target or target in LAYERS else {target}
        )
    return found


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py" or path.parent != PACKAGE)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_the_layers_above_it(path: Path) -> None:
    mine = layer(".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    wrong = {name for name in imports(path) if layer(name) > max(mine, 0)}
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_package_names_itself_relatively_only(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    absolute = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    plain = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    assert not [name for name in (*absolute, *plain) if name and name.split(".")[0] == "rewrite"]


def test_the_library_starts_without_what_only_some_runs_need() -> None:
    code = "import sys, rewrite.fix; rewrite.fix.rewrites.discover(); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & set(HEAVY)


REWRITES = [cast(ModuleType, rewrite) for rewrite in discover()]


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda rewrite: rewrite.NAME)
def test_a_rewrite_says_what_it_does_and_when_it_does_not(rewrite: ModuleType) -> None:
    assert rewrite.__name__.rpartition(".")[2].replace("_", "-") == rewrite.NAME
    title, *paragraphs = inspect.cleandoc(rewrite.__doc__ or "").split("\n\n")
    assert re.fullmatch(r"[A-Z`].*\.", title, re.DOTALL)
    assert "\n" not in title
    assert any(paragraph.startswith("Declines") for paragraph in paragraphs)
    assert len(re.findall(r"^```diff\n.*?\n```$", rewrite.__doc__ or "", re.DOTALL | re.MULTILINE)) == 1


def example(rewrite: ModuleType) -> tuple[str, str]:
    """Return the texts before and after that the docstring's diff shows."""
    match = re.search(r"```diff\n(.*?)```", rewrite.__doc__ or "", re.DOTALL)
    assert match
    lines = match[1].splitlines(keepends=True)
    return tuple("".join(line[1:] for line in lines if line[0] in f" {sign}") for sign in "-+")  # type: ignore[return-value]


# What files must hold that a rewrite reads.
CONTENTS = {
    "main.go": "package main\n\nfunc main() {}\n",
    "go.mod": "module example.org/app\n\ngo 1.24\n\nrequire rsc.io/quote v1.5.2\n",
    "go.sum": "rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n",
}
# The ignore file that an example speaks of.
IGNORES = {"copy-ignored": "*.json\n"}
# Their examples are of another file than the Dockerfile; golden/ has them.
ELSEWHERE = frozenset({"classic-builder", "git-context", "no-cache", "unread-ignore-file"})


def situation(before: str, after: str, ignore: str | None = None) -> Build:
    """Return a small project with the example's Dockerfile in it, and the files that it names."""
    base = "" if "FROM " in before else "FROM python:3.12-slim\nWORKDIR /app\n"
    files = {"app.py": "", ".git/HEAD": "ref: refs/heads/main\n"}
    for name in re.findall(r"[\w./-]+\.(?:txt|json|toml|lock|mod|sum|go)\b", before + after):
        files[name] = CONTENTS.get(name, "flask==3.0.3\n")
    broad = "" if before.strip() else "COPY . .\n"
    return build(base + before + broad, files, ignore)


@pytest.mark.parametrize("rewrite", [r for r in REWRITES if r.NAME not in ELSEWHERE], ids=lambda rewrite: rewrite.NAME)
def test_the_example_is_what_the_rewrite_does(rewrite: ModuleType) -> None:
    before, after = example(rewrite)
    ignore = IGNORES.get(rewrite.NAME)
    # The one rewrite that is for who wants no mounts.
    found = replace(situation(before, after, ignore), mounts=rewrite.NAME != "package-clean")
    result = fix(found, Settings(select=(rewrite.NAME,), review=True))
    assert not result.defects
    if any(proposal.tier == Tier.ADVICE for proposal in result.offered):
        assert not result.changes
        assert not fix(situation(after, after, ignore), Settings(select=(rewrite.NAME,), review=True)).offered
        return
    changed = "".join(change.after for change in result.changes)
    assert after in changed
    assert result.applied
    if before:
        assert changed == found.dockerfile.text.replace(before, after)
