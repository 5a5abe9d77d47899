"""What go.mod, go.work and go's command lines say."""

from __future__ import annotations

import pytest
from building import build

from rewrite.build.build import View
from rewrite.build.steps import Step
from rewrite.ecosystems._go_command import build_cache, module_cache, module_mode, read_line
from rewrite.ecosystems._go_module import Version, find_modules, parse
from rewrite.model import Declined, Status

MOD = """module "example.org/app" // ours
go 1.22.1
toolchain go1.23.4
require example.org/a v1.0.0
require (
\texample.org/b/v2 v2.1.0 // indirect
\texample.org/c v0.1.0
\texample.org/out v1.0.0
)
exclude example.org/out v1.0.0
replace (
\texample.org/c => ./local/c
\texample.org/a v1.0.0 => example.org/fork v1.2.0
\texample.org/b/v2 v2.0.0 => ./elsewhere
)
tool example.org/a/cmd
"""


def view(files: dict[str, str]) -> View:
    """Return the files as a COPY to /src brings them."""
    found = build("FROM golang:1.24\nWORKDIR /src\nCOPY . .\nRUN go build\n", files)
    (stage,) = found.stages
    return found.view(stage, stage.instructions[-1])


def line(command: str, before: str = "") -> Step:
    (run,) = (run for _, run in build(f"FROM golang:1.24\nWORKDIR /src\n{before}RUN {command}\n", {}).runs())
    return run.steps[-1]


def test_go_mod() -> None:
    found = parse("/src", "go.mod", view({"go.mod": MOD}))
    assert (found.name, found.go, found.pruned) == ("example.org/app", (1, 22), True)
    assert [one.path for one in found.requires] == [
        "example.org/a",
        "example.org/b/v2",
        "example.org/c",
        "example.org/out",
    ]
    assert found.replaces[1] == (Version("example.org/a", "v1.0.0"), Version("example.org/fork", "v1.2.0"))
    assert parse("/src", "go.mod", view({"go.mod": "module x\r\n"})).go == (1, 16)


def test_what_is_downloaded() -> None:
    files = {"go.mod": MOD, "local/c/go.mod": "module example.org/c\n", "go.sum": "example.org/fork v1.2.0 h1:x=\n"}
    modules = find_modules("/src/cmd", view({**files, "cmd/main.go": ""}), "")
    assert modules
    assert [one.path for one in modules.requires] == ["example.org/fork", "example.org/b/v2"]
    assert modules.unhashed() == "example.org/b/v2 v2.1.0"
    assert modules.hashed().status == Status.ASSUMED
    with pytest.raises(Declined, match="elsewhere"):
        modules.gather()


@pytest.mark.parametrize("text", ["module x\nfuture y\n", "module x\nrequire a v1 v2\n", "module x\nreplace a b\n"])
def test_what_is_not_understood_declines(text: str) -> None:
    with pytest.raises(Declined):
        parse("/src", "go.mod", view({"go.mod": text}))


@pytest.mark.parametrize(
    ("command", "subcommand", "operands", "directory"),
    [
        ('go build -ldflags "-X main.v=$V" -o /app ./cmd/app', "build", ("./cmd/app",), "/src"),
        ("go build --trimpath -v=true -tags=a,b", "build", (), "/src"),
        ("go build -C sub -o app", "build", (), "/src/sub"),
        ("go test -run X ./... -args -unknown", "test", ("./...", "-args", "-unknown"), "/src"),
        ("go mod download -x", "mod download", (), "/src"),
    ],
)
def test_command_lines(command: str, subcommand: str, operands: tuple[str, ...], directory: str) -> None:
    found = read_line(line(command))
    assert found
    assert (found.subcommand, found.operands, found.directory) == (subcommand, operands, directory)


@pytest.mark.parametrize("command", ["go build -unknown", "go build $FLAGS -o x", "go build -mod=$M", "go build -C $D"])
def test_unknown_options_decline(command: str) -> None:
    with pytest.raises(Declined):
        read_line(line(command, "ARG FLAGS M D\n"))


def test_the_environment() -> None:
    plain = line("go build")
    assert module_cache(plain) == "/go/pkg/mod"
    assert build_cache(plain)[0] == "/root/.cache/go-build"
    moved = line("GOMODCACHE=/m XDG_CACHE_HOME=/x GOFLAGS='-v -mod=vendor' go build")
    assert module_cache(moved) == "/m"
    assert build_cache(moved)[0] == "/x/go-build"
    found = read_line(moved)
    assert found and module_mode(found, moved) == "vendor"
