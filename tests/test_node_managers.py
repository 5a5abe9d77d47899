"""yarn, pnpm, bun, deno and corepack: which one a command is of, what it reads and writes, and what is declined."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from building import build

from rewrite import ecosystems
from rewrite.ecosystems import Command

CLASSIC = "# yarn lockfile v1\n\n\nms@2.1.3:\n"
BERRY = '__metadata:\n  version: 8\n\n"ms@npm:2.1.3":\n'


def command(run: str, files: Mapping[str, str], before: str = "") -> Command | None:
    """Return what the RUN's last command does behind a COPY of everything."""
    made = build(f"FROM node:20\n{before}WORKDIR /app\nCOPY . .\nRUN {run}\n", files)
    (stage,) = made.stages
    line = stage.instructions[-1]
    return ecosystems.recognise(made.run(line).steps[-1], made.view(stage, line))


def premise(run: str, files: Mapping[str, str], before: str = "") -> str:
    found = command(run, files, before)
    assert found and found.declined
    return found.declined.premise


def package(**data: object) -> str:
    return json.dumps(data)


@pytest.mark.parametrize(
    ("files", "ecosystem"),
    [
        ({"package.json": "{}", "yarn.lock": CLASSIC}, "yarn"),
        ({"package.json": package(packageManager="yarn@1.22.22")}, "yarn"),
        ({"package.json": "{}", ".yarnrc": 'yarn-path ".yarn/releases/yarn-1.22.19.cjs"\n'}, "yarn"),
        ({"package.json": "{}", "yarn.lock": BERRY}, "yarn-berry"),
        ({"package.json": package(packageManager="yarn@4.5.3+sha224.0")}, "yarn-berry"),
        ({"package.json": "{}", ".yarnrc.yml": "nodeLinker: node-modules\n"}, "yarn-berry"),
        ({"package.json": "{}", ".yarnrc.yml": "yarnPath: .yarn/releases/yarn-3.8.7.cjs\n"}, "yarn-berry"),
    ],
)
@pytest.mark.parametrize("run", ["yarn", "yarn install", "corepack yarn install"])
def test_which_yarn_it_is(files: Mapping[str, str], ecosystem: str, run: str) -> None:
    found = command(run, files)
    assert found and found.install and found.ecosystem == ecosystem


@pytest.mark.parametrize(
    "files",
    [
        {"package.json": "{}"},
        {"package.json": package(packageManager="yarn@4.0.0"), "yarn.lock": CLASSIC},
        {"package.json": "{}", ".yarnrc.yml": "nodeLinker: pnp\n", "yarn.lock": CLASSIC},
        {"package.json": "{}", ".yarnrc.yml": "yarnPath: ./tools/yarn.js\n", "yarn.lock": BERRY},
    ],
)
def test_an_unknown_yarn_is_declined(files: Mapping[str, str]) -> None:
    assert "which Yarn" in premise("yarn install", files)


@pytest.mark.parametrize(
    ("run", "lock", "because"),
    [
        ("yarn add ms", CLASSIC, "depends on the project"),
        ("yarn build", CLASSIC, "depends on the project"),
        ("yarn install --modules-folder /m", CLASSIC, "what --modules-folder makes Yarn read"),
        ("yarn install $FLAGS", CLASSIC, "depends on a variable"),
        ("yarn install --production", BERRY, ""),
        ("yarn dlx create-app", BERRY, "depends on the project"),
    ],
)
def test_what_yarn_does_not_install(run: str, lock: str, because: str) -> None:
    found = command(run, {"package.json": "{}", "yarn.lock": lock})
    assert found
    assert because in found.declined.premise if found.declined else not because


@pytest.mark.parametrize(("production", "declined"), [("", True), (" --production", False)])
def test_yarn_prepares_the_root_but_not_in_production(production: str, declined: bool) -> None:
    files = {"package.json": package(scripts={"prepare": "node build.js"}), "yarn.lock": CLASSIC}
    found = command(f"yarn install{production}", files)
    assert found and (found.declined is not None) is declined


def test_a_patch_is_read_from_the_root_or_from_beside_the_package() -> None:
    spec = "patch:ms@npm%3A2.1.3#~/.yarn/patches/ms.patch"
    both = "patch:x@1#optional!builtin<compat/x>&./x.patch::version=1"
    files = {"package.json": package(resolutions={"ms": spec}, dependencies={"x": both}), "yarn.lock": BERRY}
    found = command("yarn install --immutable", files)
    assert found and found.declined is None
    paths = {read.path for read in found.reads if read.required}
    assert paths == {"/app/package.json", "/app/.yarn/patches/ms.patch", "/app/x.patch"}


@pytest.mark.parametrize(
    ("yaml", "because"),
    [
        ("packages: ['a/*'", "it cannot be read as YAML"),
        ("- a\n", "it is no table of settings"),
        ("unheardOf: 1\n", "what unheard-of in pnpm-workspace.yaml changes"),
        ("sharedWorkspaceLockfile: false\n", "shared-workspace-lockfile"),
        ("nodeLinker: pnp\n", "the node-linker pnp"),
        ("injectWorkspacePackages: true\n", "inject-workspace-packages"),
    ],
)
def test_settings_of_pnpm_that_are_declined(yaml: str, because: str) -> None:
    assert because in premise("pnpm install", {"package.json": "{}", "pnpm-workspace.yaml": yaml})


@pytest.mark.parametrize(
    ("manager", "yaml", "strangers"),
    [
        ("pnpm@10.0.0", "", False),
        ("pnpm@10.0.0", "onlyBuiltDependencies: [esbuild]\n", True),
        ("pnpm@11.0.0", "allowBuilds: {esbuild: true, other: false}\n", True),
        ("pnpm@10.0.0", "dangerouslyAllowAllBuilds: true\n", True),
        ("pnpm@9.0.0", "", True),
        ("", "", True),
    ],
)
def test_since_pnpm_10_only_allowed_scripts_run(manager: str, yaml: str, strangers: bool) -> None:
    files = {"package.json": package(packageManager=manager), "pnpm-workspace.yaml": yaml}
    found = command("pnpm install --frozen-lockfile", files)
    assert found and found.declined is None and found.strangers is strangers


def test_a_member_that_is_excluded_is_no_member() -> None:
    files = {"package.json": "{}", "pnpm-workspace.yaml": "packages: ['p/**', '!**/test/**']\n"}
    files |= {"p/a/package.json": "{}", "p/a/test/b/package.json": "broken"}
    found = command("pnpm install", files)
    assert found and found.declined is None
    paths = {read.path for read in found.reads}
    assert "/app/p/a/package.json" in paths and "/app/p/a/test/b/package.json" not in paths


@pytest.mark.parametrize(
    ("run", "because"),
    [
        ("bun add ms", "depends on the project"),
        ("bun install ms", "changes package.json"),
        ("bun install --lockfile-only", "what --lockfile-only makes bun"),
        ("deno cache main.ts", "follows from the sources"),
        ("deno install npm:ms", "or adds a package"),
        ("npx turbo run build", "the project's choice"),
        ("turbo prune web --docker", "the whole workspace"),
    ],
)
def test_other_tools_commands_that_are_declined(run: str, because: str) -> None:
    assert because in premise(run, {"package.json": "{}", "bun.lock": "{}"})


def test_corepack_reads_what_package_json_asks_for() -> None:
    files = {"package.json": package(packageManager="pnpm@10.0.0")}
    found = command("corepack prepare --activate", files)
    assert found and found.install and "/app/package.json" in {read.path for read in found.reads}
    assert command("corepack prepare pnpm@9 --activate", files) is None
