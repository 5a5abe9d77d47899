"""package.json as the program's side sees it: what starts, with which packages, and what `npm run build` makes."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..model import Declined, Place
from ._calls import Call, text_calls

# All that the image has beside node to install packages and to run what they bring.
MANAGERS = frozenset({"npm", "npx", "yarn", "pnpm", "corepack"})
_RUNNERS = frozenset({"npm", "yarn", "pnpm"})
# Packages whose programs have another name.
_PROGRAMS = {
    "nest": "@nestjs/cli",
    "ng": "@angular/cli",
    "dotenv": "dotenv-cli",
    "sequelize": "sequelize-cli",
    "tsc": "typescript",
    "vue-cli-service": "@vue/cli-service",
    "remix-serve": "@remix-run/serve",
    "react-router-serve": "@react-router/serve",
    "nuxi": "nuxt",
    "babel-node": "@babel/node",
    "mikro-orm": "@mikro-orm/cli",
    "strapi": "@strapi/strapi",
    "medusa": "@medusajs/cli",
    "probot": "probot",
}
_DIRECTORIES = {
    "next build": ".next",
    "react-scripts build": "build",
    "nuxt build": ".output",
    "nuxi build": ".output",
    "tsup": "dist",
    "astro build": "dist",
    "remix build": "build",
    "vite build": "dist",
    "vue-cli-service build": "dist",
}
# A configuration of these tools may name another directory.
_CONFIGURED = re.compile(r"\b(?:distDir|outDir|outputDir|serverBuildPath|buildDir|output\s*:\s*\{)")
_DEEPEST = 6


@dataclass(frozen=True)
class Package:
    """A package.json at the image directory `home`; `where` is its place."""

    home: str
    data: Mapping[str, Any]
    where: Place

    @classmethod
    def parse(cls, home: str, text: str, where: Place) -> Package:
        """Return the package; raises Declined if it is none."""
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise Declined("package.json is not understood", where)
        return cls(home, data, where)

    def table(self, key: str) -> Mapping[str, Any]:
        """Return the object under `key`, empty if there is none."""
        value = self.data.get(key)
        return value if isinstance(value, dict) else {}

    @property
    def runtime(self) -> frozenset[str]:
        """The names of the packages that a production install brings."""
        return frozenset((*self.table("dependencies"), *self.table("optionalDependencies")))

    @property
    def development(self) -> frozenset[str]:
        """The names of those that it leaves out."""
        return frozenset(self.table("devDependencies")) - self.runtime

    def script(self, name: str) -> str:
        """Return the text of a script, "" if there is none."""
        return str(self.table("scripts").get(name) or "")

    def run_of(self, words: tuple[str, ...]) -> str | None:
        """Return the name of the script that a command runs, None if it runs none."""
        program = posixpath.basename(words[0]) if words else ""
        if program not in _RUNNERS:
            return None
        rest = [word for word in words[1:] if not word.startswith("-")]
        if rest[:1] in (["run"], ["run-script"]):
            return rest[1] if len(rest) > 1 else None
        if rest[:1] in (["start"], ["test"]) or (program != "npm" and rest and self.script(rest[0])):
            return rest[0]
        return None

    def expand(self, call: Call, depth: int = 0) -> Iterator[Call]:
        """Yield the commands behind a call, those of the scripts that it runs by their ``pre`` and ``post`` too.

        The package manager that runs a script is one of the `helpers` of what it starts.
        """
        for words in (*call.others, call.words):
            name = self.run_of(words)
            if name is None:
                yield Call(words, call.where, call.shell, call.helpers, call.script)
                continue
            text = self.script(name)
            if name == "start" and not text:
                text = "node server.js"
            if not text or depth > _DEEPEST:
                raise Declined(f"package.json has no script {name}", self.where)
            for one in (self.script(f"pre{name}"), text, self.script(f"post{name}")):
                for inner in text_calls(one, self.where) if one else ():
                    through = (*call.helpers, posixpath.basename(words[0]), *inner.helpers)
                    yield from self.expand(replace(inner, helpers=through), depth + 1)

    def installed(self, program: str, where: Place) -> None:
        """Raise Declined if a production install does not bring the package of `program`."""
        name = _PROGRAMS.get(program, program)
        if name in self.runtime:
            return
        if name in self.development:
            raise Declined(f"the program is started by {program}, which is one of devDependencies", where)
        raise Declined(f"which package brings `{program}` is not known", where)

    def outputs(self, call: Call, configuration: Mapping[str, str]) -> Iterator[str]:
        """Yield the directories that a build command makes, relative to `home`.

        `configuration` holds the texts of the project's configuration files by name.
        """
        for one in self.expand(call):
            line = " ".join(one.words)
            name = next((directory for key, directory in _DIRECTORIES.items() if line.startswith(key)), "")
            flag = re.search(r"(?:--out-?[dD]ir|--dist-dir)[= ]([\w./-]+)", line)
            if one.program == "tsc":
                name = self._compiled(line, configuration)
            elif flag:
                name = posixpath.normpath(flag[1])
            elif name:
                tool = one.program.removesuffix("-scripts").removesuffix("-cli-service")
                for file, text in configuration.items():
                    if file.startswith(f"{tool}.config") and _CONFIGURED.search(text):
                        raise Declined(f"where {tool} puts its output is for {file} to say", Place(file))
                if tool in ("nuxt", "nuxi") and re.match(r"[\^~]?[12]\.", str(self.table("dependencies").get("nuxt"))):
                    name = ".nuxt"
            if name and not name.startswith(("/", "..")) and name != ".":
                yield name

    @staticmethod
    def _compiled(line: str, configuration: Mapping[str, str]) -> str:
        """Return the directory that tsc writes to, "" if it writes none or beside its sources."""
        project = re.search(r"(?:-p|--project)[= ](\S+)", line)
        names = (posixpath.basename(project[1]) if project else "tsconfig.json", "tsconfig.json")
        texts = [configuration.get(name, "") for name in names]
        if "--noEmit" in line or any(_NO_EMIT.search(text) for text in texts):
            return ""
        found = next((match for text in texts if (match := _OUT_DIR.search(text))), None)
        return posixpath.normpath(found[1]) if found else ""


# A comment may hold the same.
_OUT_DIR = re.compile(r'^(?![ \t]*//).*"outDir"\s*:\s*"([^"]+)"', re.MULTILINE)
_NO_EMIT = re.compile(r'^(?![ \t]*//).*"noEmit"\s*:\s*true', re.MULTILINE)
