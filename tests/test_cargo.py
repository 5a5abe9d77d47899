"""The packages of a cargo workspace, and cargo's command lines."""

from __future__ import annotations

import pytest
from building import build

from rewrite.build.build import View
from rewrite.build.steps import Step
from rewrite.ecosystems._cargo_line import read_line
from rewrite.ecosystems._cargo_project import Project
from rewrite.model import Declined

LOCK = "".join(f'[[package]]\nname = "{name}"\nversion = "0.1.0"\n\n' for name in ("app", "util", "mac", "dep"))
APP = '[package]\nname = "app"\n'
FILES = {
    "Cargo.toml": '[workspace]\nmembers = ["crates/*", "tool"]\nexclude = ["crates/old"]\n',
    "Cargo.lock": LOCK,
    "tool/Cargo.toml": APP
    + '[[bin]]\nname = "serve"\npath = "app/serve.rs"\n\n[dependencies]\nutil = { path = "../crates/util" }\n',
    "tool/build.rs": "",
    "tool/src/bin/job/main.rs": "",
    "tool/src/bin/job/part.rs": "",
    "crates/util/Cargo.toml": '[package]\nname = "util"\n\n[dev-dependencies]\ndep = { path = "../../dep" }\n',
    "crates/util/src/lib.rs": "",
    "crates/mac/Cargo.toml": '[package]\nname = "mac"\n\n[lib]\nproc-macro = true\n',
    "crates/old/Cargo.toml": "not toml",
    "crates/README.md": "",
    "dep/Cargo.toml": '[package]\nname = "dep"\n',
    "dep/src/main.rs": "",
}


def load(files: dict[str, str], directory: str = "/src/tool") -> Project | None:
    """Return the project of files that a COPY brings to /src."""
    return Project.load(directory, view(files))


def view(files: dict[str, str]) -> View:
    found = build("FROM rust:1.83\nWORKDIR /src\nCOPY . .\nRUN cargo build\n", files)
    (stage,) = found.stages
    return found.view(stage, stage.instructions[-1])


def step(command: str) -> Step:
    (run,) = (run for _, run in build(f"FROM rust:1.83\nWORKDIR /src\nRUN {command}\n", {}).runs())
    return run.steps[-1]


def test_a_workspace() -> None:
    project = load(FILES)
    assert project and project.root == "/src"
    assert sorted(project.packages) == ["/src/crates/mac", "/src/crates/util", "/src/dep", "/src/tool"]
    tool = project.packages["/src/tool"]
    assert tool.programs == ("build.rs", "app/serve.rs", "src/bin/job/main.rs")
    assert tool.binaries == {"serve", "job"}
    assert project.packages["/src/crates/mac"].libraries == ("src/lib.rs",)
    assert project.manifests[0] == "/src/Cargo.toml"
    assert load({"a.txt": ""}) is None


@pytest.mark.parametrize(
    ("name", "text", "premise"),
    [
        ("tool/Cargo.toml", APP + '[dependencies]\nx = { path = "../x" }\n', "x is at ../x"),
        ("tool/Cargo.toml", APP + '[[bin]]\nname = "x"\npath = "../x.rs"\n', "not a plain path"),
        ("tool/Cargo.toml", APP + 'build = ["a.rs"]\n', "several build scripts"),
        ("tool/Cargo.toml", APP + '[lints.rust]\nwarnings = { level = "deny" }\n', "the lint warnings"),
        ("tool/Cargo.toml", APP.replace("app", "other"), "Cargo.lock has 0 packages named other"),
        ("Cargo.lock", LOCK + LOCK, "Cargo.lock has 2 packages"),
        ("Cargo.toml", '[workspace]\nmembers = ["none/*"]\n', "no member of the workspace matches"),
        ("Cargo.toml", '[workspace]\nmembers = ["**/x"]\n', "is not followed"),
        ("Cargo.toml", FILES["Cargo.toml"] + '[patch.crates-io]\nx = { path = "x" }\n', "replaces one"),
        ("Cargo.toml", 'cargo-features = ["x"]\n' + FILES["Cargo.toml"], "cargo-features"),
        ("Cargo.lock", "[[", "Cargo.lock cannot be read"),
    ],
)
def test_what_cannot_be_left_empty_declines(name: str, text: str, premise: str) -> None:
    with pytest.raises(Declined, match=premise.replace(".", r"\.").replace("*", r"\*")):
        load({**FILES, name: text})


def test_command_lines() -> None:
    line = read_line(step("cargo +1.80 build -r --target x86_64-unknown-linux-musl -p app --features a,b"))
    assert line and (line.title, line.packages, line.released) == ("cargo build", ("app",), True)
    assert (
        line.cleaning(["app", "util"])
        == "cargo +1.80 clean --release --target x86_64-unknown-linux-musl -p app -p util"
    )
    line = read_line(step("cargo build --profile dist --manifest-path x/Cargo.toml"))
    assert line and line.cleaning(["app"]) == "cargo clean --profile dist --manifest-path x/Cargo.toml -p app"
    line = read_line(step("cargo chef cook --release"))
    assert line and line.title == "cargo chef cook"
    with pytest.raises(Declined, match="--unknown"):
        read_line(step("cargo build --unknown"))
