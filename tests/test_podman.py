"""Podman without podman: recorded output, a client that only notes how it is called, and which engine is found."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rewrite.verify.engine import BuildOptions, EngineError
from rewrite.verify.engines import find_docker, find_engine
from rewrite.verify.podman import Podman, connect
from rewrite.verify.podmanbases import bases, on_other_bases
from rewrite.verify.podmanprogress import Progress

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

# What podman 4.3.1 prints, with the identifiers shortened where they are 64 digits.
SECOND = """[1/2] STEP 1/3: FROM 0123abcd AS build
[1/2] STEP 2/3: COPY b ./
--> Using cache 746095ce8201290adf46cd4750284a34ff734dc3ae4b06f2c8b705ab320b7932
--> 746095ce820
[1/2] STEP 3/3: RUN echo compile &&   true
compile
--> 90e2b12c535
[2/2] STEP 1/2: FROM scratch
[2/2] STEP 2/2: COPY --from=build /app /app
[2/2] COMMIT t:1
--> 66ee7286d36
Successfully tagged localhost/t:1
66ee7286d36a8368f9e3d4e40f3c7ac7f7a79c667465b899bb5982440b81fddb
"""
FAILED = """STEP 1/3: FROM localhost/base:1
STEP 2/3: RUN echo said && exit 3
Error: said by the command
Error: building at STEP "RUN echo said && exit 3": while running runtime: exit status 3
"""
PULLED = """STEP 1/2: FROM localhost/missing:1
Trying to pull localhost/missing:1...
Error: creating build container: initializing source docker://localhost/missing:1: connection refused
"""


def after(seconds: int) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def read(text: str, names: Mapping[str, str] | None = None) -> Progress:
    """Read lines that come one second after the other."""
    progress = Progress(names)
    for second, line in enumerate(text.splitlines()):
        progress.read(line, after(second))
    return progress


def test_steps_are_named_as_buildkit_names_them() -> None:
    steps = read(SECOND, {"0123abcd": "debian:12"}).steps
    assert [(step.name, step.cached) for step in steps] == [
        ("[build 1/3] FROM debian:12 AS build", True),
        ("[build 2/3] COPY b ./", True),
        ("[build 3/3] RUN echo compile &&   true", False),
        ("[stage-1 1/2] FROM scratch", True),
        ("[stage-1 2/2] COPY --from=build /app /app", False),
    ]
    assert len({step.digest for step in steps}) == len(steps)
    assert [step.name for step in steps if step.ran] == [steps[2].name, steps[4].name]


def test_a_step_lasts_until_its_layer_is_there() -> None:
    steps = read(SECOND).steps
    assert [step.seconds for step in steps] == [1, 2, 2, 1, 2]
    assert (steps[2].started, steps[2].completed) == (after(4), after(6))


def test_log_is_what_commands_and_the_builder_say() -> None:
    assert read(SECOND).log.splitlines()[:2] == ["compile", "Successfully tagged localhost/t:1"]


def test_output_without_a_line_end_stands_before_the_layer() -> None:
    progress = read("STEP 1/2: FROM x\nSTEP 2/2: RUN printf abc\nabc--> 1eb5298498b\n")
    assert progress.log == "abc\n"
    assert progress.steps[-1].completed == after(2)


def test_only_lines_of_steps_are_told() -> None:
    progress = Progress()
    assert [progress.read(line, BEGIN) for line in ("STEP 1/1: RUN a", "output", "--> 1eb5298498b")] == [
        True,
        False,
        True,
    ]


def test_the_step_that_was_begun_last_has_failed() -> None:
    progress = read(FAILED)
    progress.fail(after(9))
    first, failed = progress.steps
    assert (first.error, failed.error) == ("", "while running runtime: exit status 3")
    assert failed.seconds == 8
    assert progress.log == FAILED.partition("exit 3\n")[2]


def test_a_base_image_that_is_pulled_is_not_cached() -> None:
    progress = read(PULLED)
    progress.fail(after(3))
    (step,) = progress.steps
    assert step.ran
    assert step.error.startswith("creating build container: initializing source")


def test_a_build_may_fail_before_its_first_step() -> None:
    progress = read("Error: no such file\n")
    progress.fail(BEGIN)
    assert (progress.steps, progress.log) == ((), "Error: no such file\n")


DOCKERFILE = """# escape=`
ARG TAG=12 IMAGE=debian
ARG STAGE=one UNSET
FROM --platform=$BUILDPLATFORM ${IMAGE}:$TAG AS one
RUN true
FROM one
FROM scratch AS base-amd64
FROM base-$TARGETARCH
FROM $STAGE
FROM example.org/$UNSET
from `
  "python:3" as three
"""


@pytest.mark.parametrize(
    ("arguments", "references"),
    [
        ({}, ["debian:12", "scratch", None, "python:3"]),
        ({"TAG": "13", "UNSET": "x"}, ["debian:13", "scratch", "example.org/x", "python:3"]),
        ({"STAGE": "busybox"}, ["debian:12", "scratch", "busybox", None, "python:3"]),
        ({"TARGETARCH": "arm"}, ["debian:12", "scratch", "base-arm", None, "python:3"]),
    ],
)
def test_base_images_are_not_stages(arguments: dict[str, str], references: list[str | None]) -> None:
    assert [base.reference for base in bases(DOCKERFILE, arguments)] == references


def test_head_is_all_that_says_which_image_it_is() -> None:
    first, *_, last = bases(DOCKERFILE, {})
    arguments = DOCKERFILE.partition("FROM")[0]
    assert first.head + first.written == arguments + "FROM --platform=$BUILDPLATFORM ${IMAGE}:$TAG"
    assert last.head + last.written == arguments + 'from `\n  "python:3"'


def test_only_the_names_are_exchanged() -> None:
    names = {base.span: f"other{number}" for number, base in enumerate(bases(DOCKERFILE, {}))}
    assert on_other_bases(DOCKERFILE, names) == (
        DOCKERFILE.replace("${IMAGE}:$TAG", "other0")
        .replace("scratch", "other1")
        .replace("example.org/$UNSET", "other2")
        .replace('"python:3"', "other3")
    )


@pytest.mark.parametrize("text", ["", "FROM", "RUN true", 'FROM "a', "FROM ${a"])
def test_what_podman_refuses_is_left_to_it(text: str) -> None:
    assert on_other_bases(text, {base.span: base.written for base in bases(text, {})}) == text


# A client that notes its arguments, its directory for temporary files and the Dockerfile, and prints an answer.
CLIENT = """#!{python}
import json, os, pathlib, sys
here, arguments = pathlib.Path(__file__).parent, sys.argv[1:]
options = dict(argument.split("=", 1) for argument in arguments if argument.startswith("--") and "=" in argument)
path = options.get("--file")
call = [arguments, os.environ.get("TMPDIR"), path and pathlib.Path(path).read_text()]
with open(here / "calls", "a") as calls:
    calls.write(json.dumps(call) + "\\n")
if "--iidfile" in options:
    pathlib.Path(options["--iidfile"]).write_text("sha256:0123abcd")
answer = here / arguments[0]
print(answer.read_text() if answer.exists() else "", end="")
"""


class Client:
    """Makes clients in a directory, which answer as they are told to, and tells how they were called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def make(self, name: str, **answers: str) -> str:
        path = self.directory / name
        path.write_text(CLIENT.replace("{python}", sys.executable))
        path.chmod(0o755)
        for command, answer in answers.items():
            (self.directory / command).write_text(answer)
        return str(path)

    @property
    def calls(self) -> list[tuple[list[str], str | None, str | None]]:
        notes = self.directory / "calls"
        return [tuple(json.loads(line)) for line in notes.read_text().splitlines()] if notes.exists() else []


@pytest.fixture
def client(tmp_path: Path) -> Client:
    directory = tmp_path / "bin"
    directory.mkdir()
    return Client(directory)


@pytest.fixture
def podman(client: Client) -> Podman:
    return Podman(client.make("podman"), "4.3.1")


def flags(client: Client) -> Iterable[str]:
    """Return the options of the last build."""
    (*_, (arguments, _, _)) = client.calls
    return [argument for argument in arguments if not argument.startswith(("--file=", "--format=", "--layers"))][1:-1]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (BuildOptions(), []),
        (BuildOptions(target="a", platform="linux/arm64"), ["--platform=linux/arm64", "--target=a"]),
        (BuildOptions(network="none"), ["--network=none"]),
        (BuildOptions(network="default"), []),
        (BuildOptions(cgroup_parent="ours"), ["--cgroup-parent=ours"]),
        (BuildOptions(build_args={"A": "1", "B": "x y"}), ["--build-arg=A=1", "--build-arg=B=x y"]),
        (BuildOptions(secrets=("id=a,src=b",), ssh=("default",)), ["--secret=id=a,src=b", "--ssh=default"]),
        (BuildOptions(build_contexts=("a=b",), no_cache=True), ["--build-context=a=b", "--no-cache"]),
        (
            BuildOptions(cache_from=("type=registry,ref=example.org:5000/a",), cache_to=("example.org/b",)),
            ["--cache-from=example.org:5000/a", "--cache-to=example.org/b"],
        ),
        (BuildOptions(cache_to=("type=registry,ref=a,mode=max",)), ["--cache-to=a"]),
    ],
)
def test_options_are_podmans(
    podman: Podman, client: Client, tmp_path: Path, options: BuildOptions, expected: list[str]
) -> None:
    assert podman.build(tmp_path, "RUN x\n", options).ok
    assert flags(client) == expected


@pytest.mark.parametrize(
    "options",
    [
        BuildOptions(platform="linux/amd64,linux/arm64"),
        BuildOptions(cache_from=("type=local,src=/x",)),
        BuildOptions(cache_to=("type=registry,ref=a,mode=min",)),
        BuildOptions(cache_to=("type=registry,ref=a,compression=zstd",)),
        BuildOptions(cache_to=("type=registry",)),
        BuildOptions(cache_from=("example.org/a:tag",)),
        BuildOptions(build_contexts=("a=oci-layout://b",)),
    ],
)
def test_what_podman_cannot_do_is_said(podman: Podman, client: Client, tmp_path: Path, options: BuildOptions) -> None:
    with pytest.raises(EngineError, match="podman"):
        podman.build(tmp_path, "RUN x\n", options, tag="a:1")
    assert not client.calls


@pytest.mark.parametrize(
    ("output", "expected"),
    [("type=cacheonly", []), ("type=local,dest=out", ["--output=type=local,dest=out"])],
)
def test_output(podman: Podman, client: Client, tmp_path: Path, output: str, expected: list[str]) -> None:
    assert podman.build(tmp_path, "RUN x\n", output=output).ok
    assert flags(client) == expected


@pytest.mark.parametrize("output", ["type=oci,dest=x", "type=image", "type=tar,dest=-", "-"])
def test_output_that_podman_has_not(podman: Podman, tmp_path: Path, output: str) -> None:
    with pytest.raises(EngineError, match=f"podman has no output {output}"):
        podman.build(tmp_path, "RUN x\n", output=output)


def test_the_users_settings_do_not_change_what_a_layer_is(podman: Podman, client: Client, tmp_path: Path) -> None:
    podman.build(tmp_path, "RUN x\n")
    ((arguments, _, _),) = client.calls
    assert {"--format=docker", "--layers"} < set(arguments)


def test_a_mark_stands_in_for_every_base_image(podman: Podman, client: Client, tmp_path: Path) -> None:
    text = "ARG A=1\nFROM a:$A AS one\nFROM one\nFROM b\n"
    options = BuildOptions(mark="m-1", build_args={"A": "2"}, build_contexts=("b=docker-image://c:1",))
    assert podman.build(tmp_path, text, options, tag="t:1").ok
    first, second, build = (text for _, _, text in client.calls)
    assert first == "ARG A=1\nFROM a:$A\nARG dockerfix_6d2d31_=\n"
    assert second == "ARG A=1\nFROM c:1\nARG dockerfix_6d2d31_=\n"
    assert build == "ARG A=1\nFROM 0123abcd AS one\nFROM one\nFROM 0123abcd\n"
    assert flags(client) == ["--build-arg=A=2", "--build-context=b=docker-image://c:1", "--tag=t:1"]


def test_a_build_context_replaces_a_base_image_without_a_mark(podman: Podman, client: Client, tmp_path: Path) -> None:
    options = BuildOptions(build_contexts=("a:2=docker-image://c:1", "b=/files"))
    podman.build(tmp_path, "ARG A=2\nFROM a:$A\nCOPY --from=b x y\n", options)
    ((_, _, text),) = client.calls
    assert text == "ARG A=2\nFROM c:1\nCOPY --from=b x y\n"


def test_cache_mounts_of_two_names_lie_apart(
    podman: Podman, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("one", "two", "one", ""):
        podman.build(tmp_path, "RUN x\n", BuildOptions(cache_mounts=name), tag=f"{name}:1")
    one, two, again, own = (directory for _, directory, _ in client.calls)
    assert one == again
    assert len({one, two, own}) == 3
    assert own == str(tmp_path)
    assert Path(str(one)).parent == Path(str(two)).parent == tmp_path
    podman.remove_image("one:1")
    assert [Path(str(directory)).exists() for directory in (one, two)] == [False, True]
    podman.remove_image("two:1")
    assert not Path(str(two)).exists()


@pytest.mark.parametrize("told", ["4.3.1 false\n", "5.6.0-rc1 false\n"])
def test_connects(client: Client, told: str) -> None:
    assert connect(client.make("podman", info=told)).name == f"Podman {told.split()[0]}"


@pytest.mark.parametrize(
    ("told", "message"),
    [("3.4.4 false", "podman 3.4.4 is older than 4.3"), ("4.3.1 true", "podman builds on another machine")],
)
def test_does_not_connect(client: Client, told: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        connect(client.make("podman", info=told))


@pytest.fixture
def find(client: Client) -> Callable[..., str]:
    """Return a function that tells which engine is found, or why none."""

    def find(builder: str = "", prefer: str = "") -> str:
        try:
            return find_engine({"PATH": str(client.directory)}, builder, prefer).name
        except EngineError as error:
            return error.message

    return find


DOCKER = {"version": "28.5.1\n", "buildx": "v0.29\n"}
PODMAN = {"info": "4.3.1 false\n"}


def test_docker_comes_first(client: Client, find: Callable[..., str]) -> None:
    client.make("podman", **PODMAN)
    client.make("docker", **DOCKER)
    assert find() == "Docker 28.5.1 (buildx)"
    assert find(prefer="podman") == "Podman 4.3.1"
    assert find(builder="b") == "Docker 28.5.1 (buildx, builder b)"
    assert find(builder="b", prefer="podman") == "podman has no builders, so none of the name b"


def test_podman_where_docker_does_not_answer(client: Client, find: Callable[..., str]) -> None:
    client.make("docker")
    client.make("podman", **PODMAN)
    assert find() == "Podman 4.3.1"
    assert find(prefer="docker") == "docker version: no answer"
    assert find(builder="b") == "docker version: no answer"


def test_podmans_docker_is_podman(client: Client, find: Callable[..., str]) -> None:
    client.make("podman", **PODMAN)
    client.make("docker", version="Server: Podman Engine\n 4.3.1\n", buildx="v0.29\n")
    assert find() == "Podman 4.3.1"
    assert find(prefer="docker") == "the docker client on PATH talks to podman"
    assert find_docker({"PATH": str(client.directory)}, "b").builder == "b"


def test_says_what_was_tried(client: Client, find: Callable[..., str]) -> None:
    assert find() == "no docker client on PATH; no podman client on PATH"
    assert find(prefer="podman") == "no podman client on PATH"
    client.make("buildah")
    assert find() == (
        "no docker client on PATH; no podman client on PATH; buildah alone cannot export several images together"
    )
