"""Which build tools of a front end are known not to ask git, so that they work the same where there is no `.git`.

Facts: the packages' sources as published on npm (typescript 5.4, vite 5.2 and its plugins below, esbuild 0.25,
tailwindcss 3.4): none starts git or opens `.git`. tailwindcss 4 looks for files by git's rules, and is not among them.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from ..build.build import View
from ..build.runs import Step
from ..source import shell
from ..source.shelltree import commands_of

_HARMLESS = frozenset("echo true false : exit mkdir rimraf tsc vue-tsc esbuild".split())
# A module that a configuration may import.
_MODULES = frozenset(
    "@preact/preset-vite @sveltejs/vite-plugin-svelte @tailwindcss/forms @tailwindcss/typography @vitejs/plugin-react"
    " @vitejs/plugin-react-swc @vitejs/plugin-vue autoprefixer fs node:fs node:path node:url os path postcss"
    " tailwindcss tailwindcss/colors tailwindcss/defaultTheme tailwindcss/plugin url vite vite-plugin-svgr"
    " vite-tsconfig-paths".split()
)
# All configurations of vite and of what it loads by itself; those of the second line are not read.
_CONFIGURATIONS = re.compile(r"(?:vite|postcss|tailwind)\.config\.[cm]?[jt]s|\.postcssrc(?:\.\w+)?")
_UNREAD = re.compile(r"(?:svelte|babel)\.config\.\w+|\.babelrc(?:\.\w+)?")
_IMPORT = re.compile(r"""(?:\bfrom|\bimport\s*\(?|\brequire\s*\()\s*['"]([^'"]+)['"]""")
_IMPORTS = re.compile(r"\bimport\b(?!\.meta)|\brequire\b")
# What the configuration of PostCSS says besides the names of its plugins.
_POSTCSS_WORDS = frozenset("module.exports export default plugins const config require import from type".split())
# git itself, code run by babel, and vite's way to copy a directory as it is.
_SUSPECT = re.compile(r"git|babel|publicDir|child_process|exec|spawn|getBuiltinModule|process\.binding", re.IGNORECASE)
_VITE_VALUED = frozenset({"--mode", "-m", "--outDir", "--base", "--logLevel", "-l"})
_VITE_SWITCHES = frozenset({"--emptyOutDir", "--minify", "--sourcemap", "--ssrManifest", "--manifest"})
_TABLES = ("dependencies", "devDependencies", "optionalDependencies")
_DEEPEST = 5


def asks_no_git(step: Step, view: View) -> bool:
    """Tell whether `step` runs a script of package.json, or a tool of its dependencies, that never asks git."""
    words = [word or "$" for word in step.words]
    if step.cwd is None or not words:
        return False
    try:
        data = json.loads(view.read(posixpath.join(step.cwd, "package.json")) or "")
    except ValueError:
        return False
    return isinstance(data, dict) and "workspaces" not in data and _quiet(words, data, step.cwd, view, 0)


def _quiet(words: list[str], data: Mapping[str, Any], directory: str, view: View, depth: int) -> bool:
    """Tell whether a command of that package.json asks no git."""
    while words and words[0] in ("npx", "cross-env"):
        words = words[1:]
        while words and re.match(r"\w+=", words[0]):
            words = words[1:]
    if words[:1] == ["npm"]:
        name = words[2] if len(words) == 3 and words[1] in ("run", "run-script") else ""
        return depth < _DEEPEST and _quiet_script(name, data, directory, view, depth)
    if not words or words[0] not in (*_HARMLESS, "vite") or _is_elsewhere(words[0], data):
        return False
    return words[0] != "vite" or (_only_builds(words) and _quiet_configuration(data, directory, view))


def _quiet_script(name: str, data: Mapping[str, Any], directory: str, view: View, depth: int) -> bool:
    scripts = data.get("scripts")
    if not isinstance(scripts, dict) or not name or name not in scripts:
        return False
    for text in (str(scripts[each]) for each in (f"pre{name}", name, f"post{name}") if each in scripts):
        try:
            tree = shell.parse(text)
        except shell.NotUnderstood:
            return False
        for command in commands_of(tree):
            words = [] if isinstance(command, shell.Compound) else [word.value or "$" for word in command.words]
            if words and not _quiet(words, data, directory, view, depth + 1):
                return False
    return True


def _is_elsewhere(program: str, data: Mapping[str, Any]) -> bool:
    """Tell whether the package takes `program` from elsewhere than the registry, so that its name says nothing."""
    package = {"tsc": "typescript"}.get(program, program)
    tables = (data.get(name) for name in _TABLES)
    versions = [str(table[package]) for table in tables if isinstance(table, dict) and package in table]
    return any(":" in version or "/" in version for version in versions)


def _only_builds(words: list[str]) -> bool:
    """Tell whether a command line is ``vite build`` of the directory itself, with its own configuration."""
    rest = words[2:]
    while words[1:2] == ["build"] and rest:
        option, equals, _ = rest[0].partition("=")
        if option not in _VITE_VALUED | _VITE_SWITCHES:
            return False
        rest = rest[2 if option in _VITE_VALUED and not equals else 1 :]
    return words[1:2] == ["build"]


def _quiet_configuration(data: Mapping[str, Any], directory: str, view: View) -> bool:
    """Tell whether nothing that vite loads, and that this directory configures, asks git."""
    if {"babel", "postcss"} & data.keys():
        return False
    base = view.context_path(directory)
    names = [entry.path for entry in view.context.files(base)] if base is not None else []
    for path in names:
        name = posixpath.basename(path)
        if _UNREAD.fullmatch(name):
            return False
        text = view.context.read(path) if _CONFIGURATIONS.fullmatch(name) else ""
        if text is None or _SUSPECT.search(text) or not _imports_known(text, data):
            return False
        words = re.findall(r"[A-Za-z@][\w@/.-]*", text) if "postcss" in name else []
        if not set(words) <= _MODULES | _POSTCSS_WORDS:
            return False
    return True


def _imports_known(text: str, data: Mapping[str, Any]) -> bool:
    """Tell whether a configuration loads nothing but what is known, by an import or by the name alone."""
    imported = _IMPORT.findall(text)
    tables = [table for name in _TABLES if isinstance(table := data.get(name), dict)]
    named = {name for table in tables for name in table if re.search(rf"(?<![\w@/-]){re.escape(name)}(?![\w-])", text)}
    versions = [str(table["tailwindcss"]) for table in tables if "tailwindcss" in table]
    if "tailwindcss" in {*imported, *named} and not all(re.match(r"[~^]?3\.", version) for version in versions):
        return False
    return len(imported) == len(_IMPORTS.findall(text)) and {*imported, *named} <= _MODULES
