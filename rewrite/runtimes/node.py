"""Node: production dependencies, the build's output and the project's data on the slim image of the same tag.

Facts: the node image's Dockerfiles (slim has node, npm, yarn and corepack, and none of Debian's compilers, curl, git,
python3), docs.npmjs.com (npm-ci, npm-prune, scripts), pnpm.io and classic.yarnpkg.com (production installs). Alpine and
slim images are kept, as musl and glibc do not mix. ``npm prune`` runs on what was built, and so keeps generated clients
and patches; where no package script can have a say, the dependencies have a stage of their own, which no edit of a
source file runs again.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from ..build.paths import inside, outermost
from ..build.runs import Run, Step
from ..build.secrets import is_secret
from ..ecosystems._yarn_project import kind_of
from ..model import Declined, Obligation, Place, assumed
from . import COMPLETE, Carried, Extra, Runtime
from ._bases import Reference, reference
from ._calls import Call
from ._candidate import Candidate
from ._distribution import ALPINE, DEBIAN, Distribution, account_known, installed, needed
from ._files import Project, is_test
from ._node_dependencies import Install, dependencies
from ._node_package import MANAGERS, Package

NAME = "node"

_OWN = frozenset({"node", "npm", "npx", "yarn", "corepack", "docker-entrypoint.sh"})
_COMPILED = re.compile(r"\.(?:[cm]?tsx?|jsx|vue|svelte|s[ac]ss|less|styl|map)\Z")
# What describes the project to people and tools; names that only a tool of the build reads.
_ASIDE = re.compile(
    r"(?:\A|/)(?:\.(?:git|docker|env|npm|nvm|node|yarn|eslint|prettier|editor|nyc|mocha|lint|commitlint|stylelint|tool"
    r"|browserslist|DS_Store|travis|gitlab)(?!keep\Z)[^/]*|[^/]*\.(?:md|rst|lock)|LICEN[CS]E[^/]*|CHANGELOG[^/]*|Makefile|Procfile"
    r"|Dockerfile[^/]*|(?:docker-)?compose[^/]*\.ya?ml|package(?:-lock)?\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml"
    r"|[jt]sconfig[^/]*\.json|nest-cli\.json|angular\.json|nodemon\.json|codecov\.ya?ml|renovate\.json|cypress\.json"
    r"|(?:jest|vitest|webpack|rollup|babel|eslint|prettier|vite|tailwind|postcss|karma|cypress|playwright|tsup|commitlint"
    r"|lint-staged|stylelint)\.[\w.]*[cm]?[jt]s|[gG]ulpfile\.js|Gruntfile\.js)\Z"
    r"|(?:\A|/)(?:\.(?!well-known/)[^/]+|node_modules|tests?|__tests__|__mocks__|spec|e2e|cypress|docs|examples?|coverage|k8s|helm|charts"
    r"|terraform)/"
)
_STARTS = re.compile(r"""\b(?:exec|spawn|execFile|execa|fork)(?:Sync)?\(\s*(?:(['"`])([\w./-]*))?""")
_CHILDREN = re.compile(r"""['"](?:node:)?child_process['"]|['"]execa['"]""")
_READS_ENV = re.compile(
    r"\b(?:dotenv|next|nuxt|@nestjs/config|env-cmd|react-scripts|vite|@strapi/strapi|@adonisjs/core)\b"
)
# Modules that use a program or a library of the system which the slim image has not; "" where that is not a package.
_SYSTEM = {
    "@prisma/client": "openssl",
    "prisma": "openssl",
    "simple-git": "git",
    "gm": "imagemagick",
    "imagemagick": "imagemagick",
    "pg-native": "libpq5",
    **dict.fromkeys(
        ("canvas", "nodegit", "libxmljs", "puppeteer", "playwright", "oracledb", "node-rdkafka", "odbc"), ""
    ),
}
# Started like this, a framework compiles the sources by what lies beside them.
_DEVELOPMENT = re.compile(
    r"(?:next|vite|nuxt|nuxi|astro|remix|gatsby)(?: dev| develop| serve)?(?: -.*)?"
    r"|(?:vite|ng|vue-cli-service) serve\b.*|react-scripts start\b.*"
)
# Started like this, or with such a hook, the sources are compiled when the program runs.
_RUNS_SOURCES = re.compile(
    r"(?:\A|[\s/=])(?:tsx|ts-node(?:-\w+)*|tsnd|typeorm-ts-node-\w+|babel-node|vite-node|swc-node|sucrase-node|es[nr]un"
    r"|esno|jiti|nodemon|node-dev|coffee|esbuild-register|@swc-node/register|@swc/register|@babel/register"
    r"|nest start|strapi develop|prisma (?:db seed|migrate (?:dev|reset)))(?![\w.-])"
    r"|\.(?:[cm]?tsx?|jsx|coffee)(?![\w.])"
)
_HOOKS = re.compile(
    r"""['"](ts-node|tsx|esbuild-register|@swc-node/register|@swc/register|@babel/register|sucrase|jiti)(?:/[\w/-]+)?['"]"""
)
_OUTPUT = re.compile(r"^[ \t]*output[ \t]*=[ \t]*(\S+)", re.MULTILINE)
_PLAIN_VERSION = re.compile(r"file:|link:|portal:|workspace:|\.\.?/")


def plan(candidate: Candidate) -> Runtime | None:
    """Return the runtime of a Node program; None where the image is none of Node's or nothing would be gained."""
    image = reference(candidate.stage)
    if image.name != "node" or not candidate.stage.base.official:
        return None
    return _Node(candidate, image).runtime()


@dataclass(frozen=True)
class _Node:
    candidate: Candidate
    image: Reference

    def runtime(self) -> Runtime | None:
        """Return the final stage; raises Declined."""
        candidate, install = self.candidate, self.install
        if install is None:
            return None
        builds = tuple(self._builds())
        leaner = self.base != candidate.stage.from_.words[0].text or bool(builds)
        if not leaner and (install.production or not self.package.development):
            return None
        self._simple_project()
        calls = tuple(one for call in candidate.calls for one in self.package.expand(call))
        roots = tuple(self._entries(calls))
        outputs = self._outputs(builds, roots)
        others = (*candidate.made(self._mine), *candidate.brought(), *self._generated(builds))
        scripts = candidate.scripts
        distribution = self._distribution()
        account_known(candidate, distribution)
        own = _OWN | {*self._modules_started(calls), *(posixpath.basename(path) for path in others)}
        packages = (
            *needed(candidate, distribution, own, calls),
            *installed(candidate, distribution, True),
            *self._system(),
        )
        self._compiled_before(calls)
        data = self._data(roots, bool(outputs))
        stages, modules_from = self._dependencies(install)
        carried = [Carried(f"{self.home}/node_modules", stage=modules_from)] if self.package.runtime else []
        carried += [Carried(f"{self.home}/package.json")]
        paths = dict.fromkeys((*(f"{self.home}/{name}" for name in outputs), *scripts, *data, *others))
        carried += map(Carried, outermost(paths))
        return Runtime(
            f"the Node program on {self.base}",
            self.base,
            distribution,
            tuple(carried),
            tuple(sorted(set(packages))),
            stages=stages,
            proof=tuple(self._proof(builds, outputs, data, install)),
        )

    @cached_property
    def install(self) -> Install | None:
        """The stage's one install of the project's packages; raises Declined if there are several."""
        found = []
        for run, step in self.candidate.steps:
            words = [word or "$" for word in step.words[1:]]
            verbs = [word for word in words if not word.startswith("-")]
            adds = len(verbs) > 1 or {"-g", "--global"} & set(words) or verbs[:1] == ["global"]
            bare = step.program == "yarn" and not verbs and "--version" not in words
            if step.program not in ("npm", "yarn", "pnpm") or adds:
                continue
            if bare or (verbs[:1] and verbs[0] in ("install", "i", "ci", "clean-install")):
                flags = " ".join(words)
                omits = re.search(r"--omit[= ]dev|--production(?!=false)|--only[= ]prod|--prod\b|(?:\A| )-P\b", flags)
                includes = re.search(r"--include[= ]dev|--production=false|--dev\b", flags)
                environment = step.env.get("NODE_ENV", "")
                if environment is None:
                    raise Declined("NODE_ENV depends on an argument", self.candidate.build.step_place(run, step))
                found.append(Install(run, step, bool(omits) or (environment == "production" and not includes)))
        if len(found) > 1:
            place = self.candidate.build.step_place(found[1].run, found[1].step)
            raise Declined("packages are installed more than once", place)
        return found[0] if found else None

    @cached_property
    def home(self) -> str:
        """The project's directory, in which its packages are installed."""
        cwd = self.install.step.cwd if self.install else None
        if cwd is None or cwd == "/" or cwd.startswith("%"):
            raise Declined("the project is not built in a directory of its own that is known")
        return cwd

    @cached_property
    def package(self) -> Package:
        """The project's package.json."""
        path = f"{self.home}/package.json"
        text = self.candidate.read(path)
        if text is None:
            raise Declined("no package.json of the build context is where the packages are installed")
        return Package.parse(self.home, text, self.candidate.view.place(path))

    @property
    def manager(self) -> str:
        """npm, yarn or pnpm."""
        return str(self.install.step.program) if self.install else ""

    def _simple_project(self) -> None:
        package, view = self.package, self.candidate.view
        if package.data.get("workspaces") or view.exists(f"{self.home}/pnpm-workspace.yaml"):
            raise Declined("the project has workspaces", package.where)
        if self.manager == "yarn" and kind_of(self.home, view) != "classic":
            raise Declined("the packages are installed by another yarn than 1", package.where)
        for group in ("dependencies", "optionalDependencies", "overrides", "resolutions"):
            for name, version in package.table(group).items():
                if _PLAIN_VERSION.match(str(version)):
                    raise Declined(f"{name} is a package of the project's tree", package.where)
        if not inside(self.candidate.stage.end.workdir or "/", self.home):
            raise Declined("the program does not start in the project's directory")
        context = self.candidate.build.context
        for _, source in self.project.files():
            name = posixpath.basename(source)
            if name.startswith(".env") and is_secret(context, source):
                found = _READS_ENV.search(" ".join(sorted((*package.runtime, *package.development))))
                if found or self.project.find(re.compile(r"dotenv|env-file|\.env\b['\"]")):
                    raise Declined(f"the program may read {source}, which may hold secrets", package.where)

    @cached_property
    def project(self) -> Project:
        """The project's files; everything in JavaScript or TypeScript is a source."""
        return Project(
            self.candidate,
            self.home,
            self.candidate.stage.end.workdir or "/",
            re.compile(r"(?<!\.d)\.(?:[cm]?[jt]sx?|vue|svelte)\Z"),
        )

    def _mine(self, run: Run, step: Step) -> bool:
        """Judge the package managers' commands: a global install counts only if it is started."""
        if step.program not in MANAGERS:
            return False
        words = {word or "$" for word in step.words}
        if {"-g", "--global", "global"} & words:
            started = {one.program for call in self.candidate.calls for one in self.package.expand(call)} - _OWN
            names = {re.sub(r"(?<=.)@.*", "", word).rpartition("/")[2] for word in words}
            if started & names:
                place = self.candidate.build.step_place(run, step)
                raise Declined(f"`{min(started & names)}` is installed globally, beside the project", place)
        return True

    def _builds(self) -> Iterator[Call]:
        """Yield the commands of RUNs that build: scripts of package.json, and programs that npx starts."""
        for run, step in self.candidate.steps:
            words = tuple(word or "$" for word in step.words)
            if step.program in MANAGERS - {"corepack"}:
                place = self.candidate.build.step_place(run, step)
                if self.package.run_of(words) or step.program == "npx":
                    at = 1 if step.program == "npx" else 0
                    rest = words[at:]
                    while at and rest and rest[0].startswith("-"):
                        rest = rest[1:]
                    yield Call(rest, place, True)

    def _entries(self, calls: tuple[Call, ...]) -> Iterator[str]:
        """Yield the files, relative to the project, that node is started with; raises Declined."""
        for call in calls:
            program, where = call.program, call.where
            if program != "node":
                continue
            words = list(call.words[1:])
            while words and words[0].startswith("-"):
                option = words.pop(0)
                if option in ("-e", "--eval", "-p", "--print", "-v", "--version"):
                    words = []
                elif (
                    option in ("-r", "--require", "--import", "--loader", "--experimental-loader", "--env-file")
                    and words
                ):
                    value = words.pop(0)
                    if value.startswith((".", "/")):
                        raise Declined(f"node is started with {option} {value}", where)
                    self.package.installed(
                        value.split("/")[0] if value[:1] != "@" else "/".join(value.split("/")[:2]), where
                    )
            if not words:
                continue
            if words[0].startswith(("$", '"$')):
                raise Declined("which file node is started with is not known", where)
            path = posixpath.normpath(posixpath.join(self.candidate.stage.end.workdir or "/", words[0]))
            if path == self.home:
                path = posixpath.join(self.home, str(self.package.data.get("main") or "index.js"))
            if not inside(path, self.home):
                if not self.candidate.view.exists(path):
                    raise Declined(f"{path}, which is started, lies outside of the project", where)
                continue
            if path.endswith((".ts", ".tsx")):
                raise Declined("a TypeScript file is started as it is", where)
            yield posixpath.relpath(path, self.home)

    def _compiled_before(self, calls: tuple[Call, ...]) -> None:
        """Raise Declined if the program compiles sources when it runs, or reads a configuration in TypeScript."""
        for call in calls:
            if _RUNS_SOURCES.search(" ".join(call.words)):
                raise Declined(f"`{' '.join(call.words)}` compiles what it runs, and reads the sources", call.where)
        hook = self.project.find(_HOOKS)
        if hook and self.package.runtime & {hook[0][1], hook[0][1].split("/")[0]}:
            raise Declined(f"{hook[0][1]} compiles sources when the program runs", hook[1])
        for program in self._modules_started(calls):
            stem = re.escape(re.split(r"[-_]", program)[0])
            reads = re.compile(rf"(?:\A|/){stem}(?:\.config|file)\.[cm]?ts\Z")
            for _, source in self.project.files():
                if reads.search(source):
                    raise Declined(f"`{program}` compiles {source} when it starts", Place(source))

    def _outputs(self, builds: tuple[Call, ...], roots: tuple[str, ...]) -> tuple[str, ...]:
        """Return the directories that the build makes and the program needs, relative to the project."""
        names = {path: text for path in self._root_files() if (text := self.candidate.read(f"{self.home}/{path}"))}
        found = dict.fromkeys(name for call in builds for name in self.package.outputs(call, names))
        exists = self.candidate.view.exists
        for root in roots:
            if root.startswith("node_modules/") or any(
                exists(f"{self.home}/{root}{end}") for end in ("", ".js", "/index.js")
            ):
                continue
            top = root.split("/")[0]
            if not builds:
                raise Declined(f"{root} is started, which neither the context nor a build script brings")
            found[top] = None
        if builds and not found and not all(self._generates(call) for call in builds):
            raise Declined("what the build makes is not known", builds[0].where)
        return outermost(found)

    def _generated(self, builds: tuple[Call, ...]) -> Iterator[str]:
        """Yield the directories of the project in which prisma puts what its schema asks for; raises Declined."""
        scripts = [text for name in ("postinstall", "prepare", "install") if (text := self.package.script(name))]
        runs = [" ".join(one.words) for call in builds for one in self.package.expand(call)]
        for path, source in self.project.files():
            schema = (self.candidate.read(path) if path.endswith(".prisma") else None) or ""
            for match in _OUTPUT.finditer(schema):
                where = Place(source, schema.count("\n", 0, match.start()) + 1)
                directory = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[1].strip('"')))
                if inside(directory, f"{self.home}/node_modules"):
                    continue
                if not match[1].startswith('"') or not inside(directory, self.home):
                    raise Declined("where prisma puts what it generates is not known", where)
                if not any("prisma generate" in one for one in (*runs, *scripts)):
                    raise Declined("no step of the build is known to run prisma generate", where)
                yield directory

    @staticmethod
    def _generates(call: Call) -> bool:
        """Tell whether a command only makes what lies in node_modules."""
        return call.words[:2] == ("prisma", "generate")

    def _root_files(self) -> Iterator[str]:
        for path, _ in self.project.files():
            if posixpath.dirname(path) == self.home and path.endswith((".json", ".js", ".ts", ".mjs", ".cjs", ".mts")):
                yield posixpath.basename(path)

    def _modules_started(self, calls: tuple[Call, ...]) -> Iterator[str]:
        """Yield the programs of node_modules that are started; raises Declined for what production does not bring."""
        distribution = self._distribution()
        known = {*_OWN, *distribution.programs, *distribution.packages}
        for call in calls:
            words = [word for word in call.words if call.program != "npx" or not word.startswith("-")]
            words = words[1:] if call.program == "npx" else words
            name = posixpath.basename(words[0]) if words else ""
            if "pnpm" in (call.program, *call.helpers):
                raise Declined("the program is started by pnpm, which the image has not", call.where)
            started = " ".join((name, *words[1:]))
            if _DEVELOPMENT.fullmatch(started):
                raise Declined(f"`{started}` is a server for development, which reads the sources", call.where)
            if call.program in ("npm", "yarn"):
                raise Declined(f"what `{' '.join(call.words)}` starts is not known", call.where)
            inside_modules = call.program == "npx" or "node_modules/" in (words[0] if words else "")
            stranger = name and name not in known and not name.startswith(("$", '"$'))
            if inside_modules or (stranger and not self.candidate.view.exists(self.candidate.path(words[0]) or "%")):
                self.package.installed(name, call.where)
                yield name

    @property
    def base(self) -> str:
        """The reference of the final stage: alpine and slim images stay, of the others there is a slim one."""
        written = self.candidate.stage.from_.words[0].text
        if self.image.alpine or "slim" in self.image.tag:
            return written
        name = written.partition("@")[0]
        name = name.rpartition(":")[0] if self.image.written else name
        return f"{name}:{self.image.written}-slim" if self.image.written not in ("", "latest") else f"{name}:slim"

    def _distribution(self) -> Distribution:
        family = ALPINE if self.image.alpine else DEBIAN
        return replace(family, accounts=family.accounts | {"node"}, programs=family.programs | _OWN)

    def _system(self) -> Iterator[str]:
        """Yield packages that modules use and the larger image has; raises Declined where that is not known."""
        self._children()
        if self.base == self.candidate.stage.from_.words[0].text:
            return
        for name in sorted(self.package.runtime & _SYSTEM.keys()):
            if not _SYSTEM[name]:
                raise Declined(f"{name} needs libraries of the system that the slim image has not", self.package.where)
            yield _SYSTEM[name]

    def _children(self) -> None:
        found = self.project.find(_CHILDREN)
        if found is None or self.base == self.candidate.stage.from_.words[0].text:
            return
        known = self._distribution().programs
        for text in self.project.texts().values():
            if _CHILDREN.search(text):
                for match in _STARTS.finditer(text):
                    if match[0].startswith("fork") or (match[2] and match[2] in known):
                        continue
                    raise Declined("the program starts others, which the slim image may not have", found[1])

    def _data(self, roots: tuple[str, ...], builds: bool) -> tuple[str, ...]:
        """Return the project's files but for what is compiled, tests, what is for people and tools, and secrets."""
        context = self.candidate.build.context
        sources = {root.split("/")[0] for root in roots}
        tops = self.package.development & {"typescript", "@babel/cli", "@swc/cli"}
        found = []
        for path, source in self.project.files():
            tail = posixpath.relpath(path, self.home)
            compiled = builds and (
                _COMPILED.search(tail) or (tops and tail.startswith("src/") and "src" not in sources)
            )
            test = is_test(tail) and re.search(r"[jt]sx?\Z", tail)
            if not compiled and not test and not _ASIDE.search(tail) and not is_secret(context, source):
                found.append(path)
        return self.project.grouped(found)

    def _dependencies(self, install: Install) -> tuple[tuple[Extra, ...], str]:
        """Return the stages that make the production dependencies, and the one that has them ("": the build)."""
        if install.production or not self.package.runtime or not self.package.development:
            return (), ""
        generated = any(self._generates(call) for call in self._builds())
        extra = dependencies(self.candidate, install, self.package, self.image, generated)
        return (extra,), extra.name

    def _proof(
        self, builds: tuple[Call, ...], outputs: tuple[str, ...], data: tuple[str, ...], install: Install
    ) -> Iterator[Obligation]:
        listed = ", ".join((*outputs, *(posixpath.relpath(path, self.home) for path in data))) or "none"
        made = "the build's outputs and all files" if builds else "all files"
        doubt = f"{made} but sources, tests, documents and secrets go along: {listed}"
        yield assumed(COMPLETE, doubt, self.package.where)
        if not install.production:
            claim = "the program loads no package of devDependencies"
            yield assumed(claim, "a program may load one by a name that is not written anywhere", self.package.where)
        if self.base != self.candidate.stage.from_.words[0].text:
            claim = "no package needs a program or library that the slim image lacks"
            yield assumed(claim, "what the packages look for when they run is not known", self.package.where)
