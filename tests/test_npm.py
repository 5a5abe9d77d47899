"""npm: what its commands, lifecycle scripts, workspaces and dependencies read and write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from rewrite import ecosystems
from rewrite.build.build import Build, View
from rewrite.build.context import Context, DirectoryTree, MemoryTree
from rewrite.ecosystems import Command, npm
from rewrite.ecosystems._node_package import Package
from rewrite.ecosystems._node_scripts import script_effects
from rewrite.ecosystems._node_workspaces import workspace_members
from rewrite.ecosystems._npm_settings import parse_npmrc
from rewrite.model import Declined, Status
from rewrite.source import dockerfile, ignorefile

Files = Mapping[str, str]


def make(files: Files | Path, run: str = "npm ci", before: str = "WORKDIR /app\nCOPY . .\n", ignore: str = "") -> Build:
    tree = DirectoryTree(files) if isinstance(files, Path) else MemoryTree(files)
    context = Context(tree, ignorefile.parse(ignore), ".dockerignore", "test")
    return Build("Dockerfile", dockerfile.parse(f"FROM node:20\n{before}RUN {run}\n"), context)


def view_of(build: Build) -> View:
    (stage,) = build.stages
    return build.view(stage, stage.instructions[-1])


def command(files: Files | Path, run: str = "npm ci", **more: str) -> Command:
    """Return what the last command of the RUN does."""
    build = make(files, run, **more)
    step = build.run(build.stages[0].instructions[-1]).steps[-1]
    found = ecosystems.recognise(step, view_of(build))
    assert found and found.ecosystem == "npm"
    return found


def reads(found: Command, files: Files) -> set[str]:
    """Return what of the project is read, relative to /app."""
    assert found.declined is None, found.declined.premise
    paths = {read.path.removeprefix("/app/") for read in found.reads}
    return {name for name in files if any(name == path or name.startswith(f"{path}/") for path in paths)}


def premise(found: Command) -> str:
    assert found.declined
    return found.declined.premise


def package(**data: object) -> str:
    return json.dumps(data)


def lock(**entries: Mapping[str, object]) -> str:
    packages = {f"node_modules/{name}": entry for name, entry in entries.items()}
    return json.dumps({"lockfileVersion": 3, "packages": {"": {}, **packages}})


EMPTY = {"package.json": "{}", "package-lock.json": lock(), "index.js": ""}


def effects(text: str, files: Files = {}, **data: object) -> tuple[set[str], set[str]]:  # noqa: B006
    """Return the paths, relative to the package, that a script reads and writes."""
    found = script_effects(text, "/app", data, view_of(make({"package.json": "{}", **files})))
    return tuple({item.path.removeprefix("/app/") for item in items} for items in found)  # type: ignore[return-value]


@pytest.mark.parametrize(
    "text",
    [
        "",
        'echo "built $npm_package_version"',
        "is-ci || true",
        "npx only-allow npm",
        "npx --yes only-allow@1.2.1 npm",
        "exit 0",
        'if [ -n "$CI" ]; then echo ci; fi',
        "test -d node_modules/left-pad",
        "cross-env CI=1 NODE_ENV=test is-ci 2>/dev/null",
        "npm run --if-present missing",
        "opencollective-postinstall || exit 0 > /dev/null",
    ],
)
def test_scripts_that_look_at_nothing(text: str) -> None:
    assert effects(text, scripts={}) == (set(), set())


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("node scripts/build.js", "what `node` reads is not known"),
        ("./setup.sh", "what `./setup.sh` reads is not known"),
        ("cd client && npm ci", "what `cd` reads is not known"),
        ("npx -p typescript tsc", "what npx -p runs is not known"),
        ("npm rebuild", "what `npm rebuild` runs is not known"),
        ("npm run missing", "there is no script missing"),
        ("npm run loop", "what `npm run loop` runs is not known"),
        ("echo $(tsc)", "what `tsc` reads is not known"),
        ("echo 1 > generated.txt", "it redirects to or from a file"),
        ("is-ci < flag", "it redirects to or from a file"),
        ("[[ -f tsconfig.json ]] && true", "it tests or loops"),
        ("for f in src/*; do echo $f; done", "it tests or loops"),
        ("PATH=./bin:$PATH is-ci", "it sets PATH"),
        ("cross-env NODE_OPTIONS=--require=./x.js is-ci", "it sets NODE_OPTIONS"),
        ("husky $MODE", "a word of it depends on a variable"),
        ("husky add .husky/pre-commit 'npm test'", "`husky add` changes files of the project"),
        ('test -f "$FILE"', "it tests for a file whose name is not known"),
        ("[ a.js -nt b.js ]", "it compares files"),
        ("patch-package left-pad", "what `patch-package left-pad` does is not known"),
        ("patch-package --reverse", "what `patch-package --reverse` does is not known"),
        ("prisma migrate deploy", "it is not `prisma generate`"),
        ("prisma generate --sql", "what `prisma generate --sql` reads is not known"),
        ("echo 'unbalanced", "it is not understood"),
    ],
)
def test_scripts_that_are_declined(text: str, because: str) -> None:
    with pytest.raises(Declined) as caught:
        effects(text, scripts={"loop": "npm run loop"})
    assert because in caught.value.premise


def test_patches_are_read() -> None:
    assert effects("patch-package") == ({"patches"}, set())
    assert effects("npx patch-package --patch-dir tools/patches") == ({"tools/patches"}, set())
    assert effects("patch-package --patch-dir=p --error-on-fail && husky") == ({"p"}, {".git"})


def test_what_a_script_tests_for_is_read() -> None:
    assert effects("[ -f .env ] || exit 0") == ({".env"}, set())
    assert effects("test ! -d .git || husky install") == (set(), {".git"})


def test_npm_run_is_followed_with_its_hooks() -> None:
    scripts = {"prepatch": "[ -d a ]", "patch": "patch-package", "postpatch": "test -e b"}
    assert effects("npm run -s patch", scripts=scripts) == ({"a", "patches", "b"}, set())


@pytest.mark.parametrize("version", ["npm:other@1", "git+ssh://example.com/husky.git", "someone/husky", "file:./husky"])
def test_a_program_from_elsewhere_is_not_the_one_of_that_name(version: str) -> None:
    with pytest.raises(Declined, match="not the package of that name"):
        effects("husky", devDependencies={"husky": version})


SCHEMA = 'generator client {\n  provider = "prisma-client-js"\n}\n'
CLIENT = {"@prisma/client": "^5"}


def test_prisma_reads_schema_and_environment_and_writes_its_output() -> None:
    found = effects("prisma generate", {"prisma/schema.prisma": SCHEMA}, dependencies=CLIENT)
    assert found == ({"prisma", "schema.prisma", ".env", "prisma/.env"}, set())
    files = {"db/x.prisma": SCHEMA.replace("}", '  output = "../src/client"\n}')}
    assert effects("prisma generate --schema=db/x.prisma", files, dependencies=CLIENT) == (
        {"db/x.prisma", ".env", "db/.env", "prisma/.env"},
        {"src/client"},
    )
    assert effects("prisma generate", files, dependencies=CLIENT, prisma={"schema": "db"})[1] == {"src/client"}


@pytest.mark.parametrize(
    ("files", "dependencies", "because"),
    [
        ({"prisma.config.ts": ""}, CLIENT, "prisma's configuration is a program"),
        ({"prisma/schema.prisma": SCHEMA}, {}, "prisma would add @prisma/client"),
        (
            {"prisma/schema.prisma": SCHEMA.replace("prisma-client-js", "node ./g.js")},
            CLIENT,
            "the prisma generator node",
        ),
        ({"prisma/a/b.prisma": SCHEMA.replace("}", '  output = env("OUT")\n}')}, CLIENT, "depends on the environment"),
    ],
)
def test_prisma_is_declined(files: Files, dependencies: Mapping[str, str], because: str) -> None:
    with pytest.raises(Declined, match=because):
        effects("prisma generate", files, dependencies=dependencies)


MEMBERS = ("packages/a", "packages/a/deep/b", "packages/.hidden", "apps/web", "packages/a/node_modules/x", "other")


@pytest.mark.parametrize(
    ("workspaces", "members"),
    [
        (["packages/*"], ["packages/.hidden", "packages/a"]),
        (["./packages/a/", "/apps/web"], ["apps/web", "packages/a"]),
        ({"packages": ["packages/**"]}, ["packages/.hidden", "packages/a", "packages/a/deep/b"]),
        (["**"], ["apps/web", "other", "packages/.hidden", "packages/a", "packages/a/deep/b"]),
        (["packages/?"], ["packages/a"]),
        (["*/a", "packages/a"], ["packages/a"]),
        (["nothing/*"], []),
        ("packages/*", []),
    ],
)
def test_workspace_members(workspaces: object, members: list[str]) -> None:
    files = {"package.json": package(workspaces=workspaces)} | {f"{name}/package.json": "{}" for name in MEMBERS}
    view = view_of(make(files))
    root = Package.parse("/app", view)
    assert root
    found = [member.directory.removeprefix("/app/") for member in workspace_members(root, view)]
    assert found == [name for name in members if name]


@pytest.mark.parametrize("pattern", ["!packages/x", "{a,b}/*", "packages/[ab]", "packages/@(a|b)", "../shared/*"])
def test_patterns_that_are_declined(pattern: str) -> None:
    found = command({**EMPTY, "package.json": package(workspaces=[pattern])})
    assert premise(found) == f"its workspaces use the pattern {pattern}"


def test_members_come_from_where_the_image_has_them() -> None:
    files = {
        "web/package.json": package(workspaces=["packages/*"]),
        "web/package-lock.json": lock(),
        "libs/a/package.json": "{}",
    }
    found = command(files, before="WORKDIR /app\nCOPY web ./\nCOPY libs packages\n")
    assert "/app/packages/a/package.json" in {read.path for read in found.reads}


def test_a_member_that_cannot_be_parsed_is_declined() -> None:
    files = {**EMPTY, "package.json": package(workspaces=["a"]), "a/package.json": "{,}"}
    assert premise(command(files)) == "a workspace member's package.json cannot be read"


def test_linked_members_are_declined(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "package.json").write_text("{}")
    (tmp_path / "package.json").write_text(package(workspaces=["packages/*"]))
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "a").symlink_to("../elsewhere")
    assert "is a symbolic link where its workspaces are" in premise(command(tmp_path))


@pytest.mark.parametrize(
    ("mode", "content", "flags", "fine"),
    [
        (0o755, "#!/usr/bin/env node\n", "", True),
        (0o644, "#!/usr/bin/env node\n", "", False),
        (0o775, "#!/usr/bin/env node\n", "", False),  # npm makes it 0755
        (0o755, "#!/usr/bin/env node\r\n", "", False),  # npm rewrites the first line
        (0o644, "#!/usr/bin/env node\n", "--chmod=755 ", True),
        (0o755, "#!/usr/bin/env node\n", "--chmod=u=rwX ", False),
    ],
)
def test_executables_of_members(tmp_path: Path, mode: int, content: str, flags: str, fine: bool) -> None:
    (tmp_path / "package.json").write_text(package(workspaces=["a"]))
    (tmp_path / "package-lock.json").write_text(lock())
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "package.json").write_text(package(name="@x/a", bin="./cli.js"))
    (tmp_path / "a" / "cli.js").write_bytes(content.encode())
    (tmp_path / "a" / "cli.js").chmod(mode)
    found = command(tmp_path, before=f"WORKDIR /app\nCOPY {flags}. .\n")
    if fine:
        assert "/app/a/cli.js" in {read.path for read in found.reads}
    else:
        assert "to make it executable" in premise(found)


def test_a_members_program_is_not_taken_for_a_known_one() -> None:
    files = {**EMPTY, "package.json": package(workspaces=["a"], scripts={"prepare": "husky"})}
    files["a/package.json"] = package(name="a", bin={"husky": "dist/husky.js"})
    assert premise(command(files)) == "`husky` is a program of the project"


@pytest.mark.parametrize(
    ("run", "before", "entries", "quiet"),
    [
        ("npm ci", "ENV NODE_ENV=production\n", {}, True),
        ("npm ci --production", "", {}, True),
        ("npm ci --omit=dev", "", {}, True),
        ("npm ci", "", {}, False),
        ("npm ci --include=dev", "ENV NODE_ENV=production\n", {}, False),
        ("npm ci --omit=optional", "ENV NODE_ENV=production\n", {}, False),
        ("npm install --omit=dev", "", {}, False),  # npm 6 does not know the option
        ("npm ci --production", "RUN npm install -g husky@9\n", {}, False),
        ("npm ci --production", "", {"a/node_modules/husky": {}}, False),
        ("npm ci --production", "", {"fork": {"bin": {"husky": "bin.js"}}}, False),
        ("npm ci --production", "COPY . /node_modules/.bin/\n", {}, False),
    ],
)
@pytest.mark.parametrize("script", ["husky || true", "is-ci || cross-env CI=1 husky"])
def test_a_program_that_is_not_installed_does_nothing(
    script: str, run: str, before: str, entries: dict[str, Mapping[str, object]], quiet: bool
) -> None:
    files = {
        "package.json": package(devDependencies={"husky": "9"}, scripts={"prepare": script}),
        "package-lock.json": lock(husky={"dev": True, "bin": {"husky": "bin.js"}}, **entries),
    }
    found = command(files, run, before=f"WORKDIR /app\n{before}COPY . .\n")
    assert found.declined is None
    assert ("/app/.git" not in {write.path for write in found.writes}) == quiet


def test_npx_fetches_what_is_not_installed() -> None:
    files = {
        "package.json": package(devDependencies={"husky": "9"}, scripts={"prepare": "cross-env CI=1 npx husky"}),
        "package-lock.json": lock(husky={"dev": True}),
    }
    assert "/app/.git" in {write.path for write in command(files, "npm ci --production").writes}


def test_members_scripts_run_in_their_own_directory() -> None:
    files = {
        **EMPTY,
        "package.json": package(workspaces=["a"]),
        "a/package.json": package(scripts={"postinstall": "patch-package"}),
    }
    files |= {"a/patches/x.patch": "", "patches/y.patch": ""}
    assert reads(command(files), files) == {"package.json", "package-lock.json", "a/package.json", "a/patches/x.patch"}


@pytest.mark.parametrize(
    ("data", "extra", "expected"),
    [
        (
            {"dependencies": {"x": "file:libs/x"}},
            {"libs/x/package.json": "{}", "libs/x/i.js": ""},
            {"libs/x/package.json", "libs/x/i.js"},
        ),
        ({"devDependencies": {"x": "./x.tgz"}}, {"x.tgz": ""}, {"x.tgz"}),
        (
            {"optionalDependencies": {"x": "vendor/deep/x.tar.gz"}},
            {"vendor/deep/x.tar.gz": ""},
            {"vendor/deep/x.tar.gz"},
        ),
        ({"overrides": {"y": {".": "1", "x": "file:x"}}}, {"x/package.json": "{}"}, {"x/package.json"}),
        ({"dependencies": {"x": "someone/x#main", "y": "npm:z@1", "w": "^1.0.0"}}, {"someone/x": ""}, set()),
        (
            {"dependencies": {"x": "file:x"}},
            {"x/package.json": package(dependencies={"y": "file:../y"}), "y/package.json": "{}"},
            {"x/package.json", "y/package.json"},
        ),
    ],
)
def test_local_dependencies(data: dict[str, object], extra: Files, expected: set[str]) -> None:
    files = {**EMPTY, **extra, "package.json": package(**data)}
    assert reads(command(files), files) == {"package.json", "package-lock.json", *expected}


def test_scripts_of_a_local_dependency_run() -> None:
    files = {
        **EMPTY,
        "package.json": package(dependencies={"x": "file:x"}),
        "x/package.json": package(scripts={"prepare": "tsc"}),
    }
    assert "the prepare script runs `tsc`" in premise(command(files))
    assert command(files, "npm ci --ignore-scripts").declined is None


@pytest.mark.parametrize(
    ("before", "npmrc", "expected"),
    [
        ("", "cafile=certs/ca.pem", {".npmrc", "certs/ca.pem"}),
        ("", '//registry.example.com/:certfile = "certs/c.pem" ; ours', {".npmrc", "certs/c.pem"}),
        ("ENV NPM_CONFIG_CAFILE=/app/certs/ca.pem\n", "", {".npmrc", "certs/ca.pem"}),
        ("ENV NODE_EXTRA_CA_CERTS=certs/c.pem\n", "", {".npmrc", "certs/c.pem"}),
        ("ENV NPM_CONFIG_USERCONFIG=/app/ci/npmrc\n", "", {".npmrc", "ci/npmrc", "certs/c.pem"}),
        ("ENV PATH=/app/bin:$PATH\n", "", {".npmrc", "bin/node"}),
    ],
)
def test_files_that_settings_name(before: str, npmrc: str, expected: set[str]) -> None:
    files = {
        **EMPTY,
        ".npmrc": npmrc,
        "certs/ca.pem": "",
        "certs/c.pem": "",
        "ci/npmrc": "keyfile=certs/c.pem",
        "bin/node": "",
    }
    found = command(files, before=f"WORKDIR /app\n{before}COPY . .\n")
    assert reads(found, files) == {"package.json", "package-lock.json", *expected}


@pytest.mark.parametrize(
    ("before", "npmrc", "because"),
    [
        ("", "cafile=${HOME}/ca.pem", "where npm's setting cafile points to is not known"),
        ("", "script-shell=./sh", "npm's setting script-shell names a program of the project"),
        ("", "node-options=--import ./hook.mjs", "node-options may make node load a file"),
        ("ENV NODE_OPTIONS=--env-file=.env\n", "", "NODE_OPTIONS may make node load a file"),
        ("ARG X\nENV NODE_OPTIONS=$X\n", "", "NODE_OPTIONS may make node load a file"),
        ("", "global=true", "npm's setting global is on"),
    ],
)
def test_settings_that_are_declined(before: str, npmrc: str, because: str) -> None:
    found = command({**EMPTY, ".npmrc": npmrc}, before=f"WORKDIR /app\n{before}COPY . .\n")
    assert because in premise(found)


def test_npmrc_is_read_as_npm_does() -> None:
    text = '# a\n; b\nfund = false ; c\r\nignore-scripts\ntoken=${T}\nname="q"\n[section]\n'
    assert parse_npmrc(text) == {"fund": "false", "ignore-scripts": "true", "token": None, "name": "q"}


@pytest.mark.parametrize(
    ("run", "npmrc", "runs"),
    [
        ("npm ci", "", True),
        ("npm ci --ignore-scripts", "", False),
        ("npm ci", "ignore-scripts=true", False),
        ("npm ci --no-ignore-scripts", "ignore-scripts=true", True),
        ("npm ci --ignore-scripts=false", "ignore-scripts=true", True),
        ("npm ci --ignore-scripts false", "ignore-scripts=true", True),
        ("npm_config_ignore_scripts=true npm ci", "", False),
    ],
)
def test_whether_scripts_run(run: str, npmrc: str, runs: bool) -> None:
    files = {**EMPTY, ".npmrc": npmrc, "package.json": package(scripts={"prepare": "node x.js"})}
    assert (command(files, run).declined is not None) == runs


def doubt(found: Command) -> str:
    return " ".join(item.evidence for item in found.proof if item.status is Status.ASSUMED)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ({"sharp": {"hasInstallScript": True}, "ms": {}}, ""),
        ({"x/node_modules/esbuild": {"hasInstallScript": True}}, ""),
        ({"acme": {"hasInstallScript": True}}, "what these do is not known: acme"),
        ({"alias": {"name": "sharp", "hasInstallScript": True}}, ""),
        ({"sharp": {"name": "acme", "hasInstallScript": True}}, "what these do is not known: acme"),
        (
            {"sharp": {"hasInstallScript": True, "resolved": "git+ssh://git@example.com/sharp.git#1"}},
            "not known: sharp",
        ),
    ],
)
def test_install_scripts_of_dependencies(entries: dict[str, dict[str, object]], expected: str) -> None:
    found = command({**EMPTY, "package-lock.json": lock(**entries)})
    assert found.declined is None
    assert (expected in doubt(found)) if expected else not doubt(found)


@pytest.mark.parametrize(
    ("name", "files", "before", "because"),
    [
        ("nx", {"nx.json": "{}"}, "", "nx's install script reads the whole workspace"),
        ("nx", {}, "", ""),
        ("@sveltejs/kit", {}, "", "generates files from the project"),
        ("puppeteer", {".puppeteerrc.cjs": ""}, "", "what puppeteer's configuration makes it write"),
        ("puppeteer", {}, "", ""),
        ("@firebase/util", {}, "ENV FIREBASE_WEBAPP_CONFIG=./firebase.json\n", "FIREBASE_WEBAPP_CONFIG"),
        ("@firebase/util", {}, "", ""),
        ("msw", {"package.json": package(msw={"workerDirectory": "public"})}, "", "msw writes its worker"),
        ("msw", {}, "", ""),
    ],
)
def test_install_scripts_that_look_at_the_project(name: str, files: Files, before: str, because: str) -> None:
    files = {**EMPTY, **files, "package-lock.json": lock(**{name: {"hasInstallScript": True}})}
    found = command(files, before=f"WORKDIR /app\n{before}COPY . .\n")
    if because:
        assert because in premise(found)
    else:
        assert found.declined is None and not doubt(found)


def test_prisma_client_generates_by_itself() -> None:
    files = {**EMPTY, "prisma/schema.prisma": SCHEMA, "src/x.js": "", ".env": ""}
    files["package-lock.json"] = lock(**{"@prisma/client": {"hasInstallScript": True}})
    assert reads(command(files), files) == {"package.json", "package-lock.json", "prisma/schema.prisma", ".env"}


def test_prisma_client_looks_where_npm_was_started() -> None:
    manifests = {"package-lock.json": lock(**{"@prisma/client": {"hasInstallScript": True}}), "package.json": "{}"}
    files = {f"web/{name}": text for name, text in manifests.items()} | {"schema.prisma": SCHEMA, "x.js": ""}
    assert reads(command(files, "npm --prefix web ci"), files) == {*files} - {"x.js"}
    assert reads(command(files, "cd web && npm ci"), files) == {*files} - {"x.js", "schema.prisma"}


def test_hooks_of_dependencies_keep_git_out() -> None:
    files = {**EMPTY, "package-lock.json": lock(lefthook={"hasInstallScript": True})}
    assert "/app/.git" in {write.path for write in command(files).writes}
    above = {f"web/{name}": text for name, text in files.items()} | {".git/HEAD": ""}
    assert "in a directory above the package" in premise(command(above, "npm --prefix web ci"))


def test_a_package_of_the_lockfile_that_nothing_names_is_declined() -> None:
    entries = {"": {}, "tools/x": {"version": "1.0.0"}}
    files = {**EMPTY, "tools/x/package.json": "{}", "package-lock.json": json.dumps({"packages": entries})}
    assert premise(command(files)) == "the lockfile names the package tools/x, which package.json does not"


def test_what_is_written_is_not_copied() -> None:
    files = {
        **EMPTY,
        "package.json": package(dependencies={"x": "file:node_modules/x"}),
        "node_modules/x/package.json": "{}",
    }
    assert "lies in /app/node_modules, where npm installs" in premise(command(files))


@pytest.mark.parametrize(
    ("run", "because"),
    [
        ("npm install left-pad", "changes package.json"),
        ("npm ci --unheard-of", "the option --unheard-of is not known"),
        ("npm install -g ./tool", "installs from the tree"),
        ("npm install -g", "installs the tree itself"),
        ("npm run build", "depends on the project"),
        ("npm version patch", "depends on the project"),
        ("npm config set x=1 --location=project", "may change the project's .npmrc"),
        ("npm config set cafile certs/ca.pem", "it makes npm read a file"),
        ("npm ci --prefix $DIR", "the value of --prefix is not known"),
        ("npm ci $FLAGS", "a word of the command depends on a variable"),
    ],
)
def test_commands_that_are_declined(run: str, because: str) -> None:
    assert because in premise(command(EMPTY, run))


@pytest.mark.parametrize(
    ("run", "installs"),
    [
        ("npm ci --omit dev --omit=optional --only production --production false -s --no-audit", True),
        ("npm --prefix=. --loglevel warn clean-install -dd", True),
        ("npm -C ../app i --no-package-lock", True),
        ("npm cache clean --force", False),
        ("npm config set registry https://registry.example.com", False),
        ("npm --version", False),
        ("npm root -g", False),
    ],
)
def test_commands_that_are_known(run: str, installs: bool) -> None:
    found = command(EMPTY, run)
    assert (found.install, found.declined) == (installs, None)


def test_global_installs_read_no_manifest() -> None:
    found = command(EMPTY, "npm i -g npm@latest @nestjs/cli@10")
    assert reads(found, EMPTY) == set()
    assert not doubt(found)
    assert "acme-cli" in doubt(command(EMPTY, "npm install acme-cli@1 --location=global"))


@pytest.mark.parametrize(
    ("files", "run", "written"),
    [
        (EMPTY, "npm ci", set()),
        (EMPTY, "npm install", {"package-lock.json"}),
        (EMPTY, "npm install --package-lock=false", set()),
        (
            {"package.json": "{}", "npm-shrinkwrap.json": lock(), "yarn.lock": ""},
            "npm i",
            {"npm-shrinkwrap.json", "yarn.lock"},
        ),
        ({**EMPTY, ".npmrc": "package-lock=false"}, "npm i", set()),
    ],
)
def test_lockfiles_that_are_rewritten(files: Files, run: str, written: set[str]) -> None:
    found = {write.path.removeprefix("/app/") for write in command(files, run).writes}
    assert {name for name in found if "lock" in name or "shrinkwrap" in name} == written


def test_a_cache_in_the_project_is_written() -> None:
    assert "/app/.npm" in {write.path for write in command(EMPTY, "npm ci --cache .npm --prefer-offline").writes}


@pytest.mark.parametrize("workdir", ["/app", "/"])
def test_a_member_is_not_installed_alone(workdir: str) -> None:
    files = {**EMPTY, "package.json": package(workspaces=["a"]), "a/package.json": "{}"}
    found = command(files, "cd a && npm install", before=f"WORKDIR {workdir}\nCOPY . .\n")
    assert "may be a member of the workspace at" in premise(found)


@pytest.mark.parametrize(
    ("run", "target"),
    [
        ("npm cache clean --force", ("/root/.npm",)),
        ("npm --force cache clean", ()),
        ("npm_config_cache=/tmp/npm/ npm cache rm", ("/tmp/npm",)),
        ("npm cache verify", ()),
        ("npm ci", ()),
    ],
)
def test_cleaning(run: str, target: tuple[str, ...]) -> None:
    build = make(EMPTY, run)
    (step,) = build.run(build.stages[0].instructions[-1]).steps
    assert npm.cleaned(step) == target


def test_broken_data_is_no_error() -> None:
    data = {
        "scripts": ["install"],
        "bin": 3,
        "dependencies": "x",
        "workspaces": {"packages": None},
        "directories": None,
    }
    assert command({**EMPTY, "package.json": package(**data)}).declined is None
    assert "is not a readable file" in premise(command({"package.json": "[]"}))
