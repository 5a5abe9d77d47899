"""Real builds by podman, in a store of the tests' own and on a base image that is little more than busybox."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from rewrite.build.context import Context, MemoryTree
from rewrite.verify.compare import MOUNTED, Comparison, compare
from rewrite.verify.engine import BuildOptions, BuildRun, EngineError, Step
from rewrite.verify.engines import find_engine
from rewrite.verify.explain import Explainer
from rewrite.verify.image import saved_images
from rewrite.verify.podman import Podman, connect

pytestmark = pytest.mark.engine

REQUIRED = "DOCKERFIX_REQUIRE_PODMAN"
BASE, OTHER_BASE = "localhost/base:1", "localhost/base:2"
TOOLS = "sh cat echo false ln ls mkdir sleep touch".split()
DOCKERFILE = f"""FROM {BASE} AS build
WORKDIR /out/app
COPY b ./
RUN --mount=type=cache,target=/cache ls /cache && touch /cache/kept && echo install
COPY . .
RUN echo compile && mkdir -p /out/var/log && ln -s b link
FROM scratch
COPY --from=build /out /
ENV A=1
HEALTHCHECK CMD ["up"]
CMD ["run"]
"""


def unavailable(reason: str) -> None:
    """Skip, or fail where the run is meant to have podman."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def client() -> Iterator[Path]:
    """Make a client with a store of its own, which holds the base images."""
    podman, busybox = shutil.which("podman"), shutil.which("busybox")
    if podman is None or busybox is None:
        unavailable("podman and busybox-static are needed")
    # Podman refuses a runroot of more than 50 characters, so pytest's own directories are too deep.
    root = Path(tempfile.mkdtemp(prefix="podman-"))
    client = root / "podman"
    client.write_text(f'#!/bin/sh\nexec {podman} --root {root}/store --runroot {root}/run "$@"\n')
    client.chmod(0o755)
    for reference in (BASE, OTHER_BASE):
        tar = base_image(Path(str(busybox)), reference)
        subprocess.run([client, "import", "-", reference], input=tar, check=True, capture_output=True)
    yield client
    subprocess.run([client, "image", "rm", "--all", "--force"], check=True, capture_output=True)
    # Podman mounts its store upon itself.
    subprocess.run(["umount", root / "store" / "overlay"], capture_output=True)
    shutil.rmtree(root)


def base_image(busybox: Path, word: str) -> bytes:
    """Return the archive of an image with some tools and a file that holds `word`."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(busybox, "bin/busybox")
        for tool in TOOLS:
            link = tarfile.TarInfo(f"bin/{tool}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        file = tarfile.TarInfo("word")
        file.size = len(word)
        tar.addfile(file, io.BytesIO(word.encode()))
    return archive.getvalue()


@pytest.fixture
def podman(client: Path) -> Podman:
    return connect(str(client))


@pytest.fixture
def ask(client: Path) -> Callable[..., list[str]]:
    """Return a function that asks podman itself."""

    def ask(*arguments: str) -> list[str]:
        return subprocess.run([client, *arguments], check=True, capture_output=True, text=True).stdout.split()

    return ask


@pytest.fixture
def tag(podman: Podman) -> Iterator[Callable[[], str]]:
    """Return a function that makes names for images, which are removed in the end."""
    made: list[str] = []

    def tag() -> str:
        made.append(f"dockerfix-test-{uuid.uuid4().hex[:12]}:1")
        return made[-1]

    yield tag
    for name in made:
        podman.remove_image(name)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "d").mkdir(parents=True)
    (root / "d" / "a").write_text("a")
    (root / "b").write_text("b")
    return root


def series() -> BuildOptions:
    name = f"dockerfix-{uuid.uuid4().hex[:12]}"
    return BuildOptions(mark=name, cache_mounts=name)


def commands(run: BuildRun) -> list[str]:
    """The RUN steps that were executed."""
    assert run.ok, run.log
    return [name.rpartition("echo ")[2].split()[0] for name in run.ran if "] RUN " in name]


def test_an_edit_reruns_what_stands_on_it(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    options = series()
    cold = podman.build(project, DOCKERFILE, options, tag=tag())
    assert commands(cold) == ["install", "compile"]
    assert not podman.build(project, DOCKERFILE, options, tag=tag()).ran
    (project / "d" / "a").write_text("new")
    assert commands(podman.build(project, DOCKERFILE, options, tag=tag())) == ["compile"]
    (project / "b").write_text("new")
    manifest = podman.build(project, DOCKERFILE, options, tag=tag())
    assert commands(manifest) == ["install", "compile"]
    assert "kept" not in cold.log
    assert "kept" in manifest.log
    assert cold.seconds > sum(step.seconds for step in cold.steps) > 0


def test_steps_are_named_as_docker_names_them(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    run = podman.build(project, DOCKERFILE, series(), tag=tag())
    names = [step.name for step in run.steps]
    assert names[:2] == [f"[build 1/6] FROM {BASE} AS build", "[build 2/6] WORKDIR /out/app"]
    assert names[6:8] == ["[stage-1 1/5] FROM scratch", "[stage-1 2/5] COPY --from=build /out /"]


def test_a_new_mark_begins_from_nothing(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    one, two = series(), series()
    changed = DOCKERFILE.replace("echo compile", "echo another")
    for options, text in ((one, DOCKERFILE), (two, changed)):
        cold = podman.build(project, text, options, tag=tag())
        assert not [step.name for step in cold.steps if step.cached and "FROM " not in step.name]
        assert "kept" not in cold.log
    # Each finds its own layers, also behind what both have in common.
    assert not podman.build(project, DOCKERFILE, one, tag=tag()).ran
    assert not podman.build(project, changed, two, tag=tag()).ran


def test_a_mark_does_not_show_in_the_image(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    names = (tag(), tag(), tag())
    for name, options in zip(names, (series(), series(), BuildOptions()), strict=True):
        assert podman.build(project, DOCKERFILE, options, tag=name).ok
    before, after, unmarked = saved_images(podman, names).values()
    assert not compare(before, after).differences
    assert not compare(before, unmarked).differences
    assert before.config.healthcheck == {"Test": ["CMD", "up"]}
    assert {"/app/b", "/app/d/a", "/app/link", "/var/log"} < before.files.keys()
    assert podman.image_bytes(names[0]) > 0


def test_another_image_is_told(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    names = (tag(), tag())
    changed = DOCKERFILE.replace("COPY . .", "COPY --chmod=600 b .").replace("A=1", "A=2")
    for name, text in zip(names, (DOCKERFILE, changed), strict=True):
        assert podman.build(project, text, series(), tag=name).ok
    found = {(item.path, item.what) for item in compare(*saved_images(podman, names).values()).unexplained}
    assert found == {
        ("config.env.A", "value"),
        ("/app/b", "mode"),
        ("/app/d", "missing"),
        ("/app/d/a", "missing"),
    }


@pytest.mark.parametrize("command", ["true", "false"])
def test_nothing_is_left(
    podman: Podman, project: Path, tag: Callable[[], str], ask: Callable[..., list[str]], command: str
) -> None:
    before = ask("image", "ls", "--all", "--quiet")
    names = (tag(), tag())
    text = f"FROM {BASE} AS one\nENV A=1\nFROM {BASE}\nCOPY --from=one word /\nRUN {command}\n"
    built = [podman.build(project, text, series(), tag=name).ok for name in names]
    assert built == [podman.has_image(name) for name in names] == [command == "true"] * 2
    podman.remove_image(names[0])
    assert podman.has_image(names[1]) == built[1]
    podman.remove_image(names[1])
    assert sorted(ask("image", "ls", "--all", "--quiet")) == sorted(before)


def test_a_series_stays_as_long_as_it_has_an_image(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    text = f"FROM {BASE}\nCOPY b /\nRUN --mount=type=cache,target=/cache ls /cache && touch /cache/kept\n"
    first, second, options = tag(), tag(), series()
    for name in (first, second):
        assert podman.build(project, text, options, tag=name).ok
    podman.remove_image(second)
    assert not podman.build(project, text, options, tag=second).ran
    podman.remove_image(second)
    (project / "b").write_text("new")
    assert "kept" in podman.build(project, text, options, tag=second).log
    podman.remove_image(first)
    podman.remove_image(second)
    again = podman.build(project, text, options, tag=second)
    assert again.ran
    assert "kept" not in again.log


def test_a_failing_build_names_its_step(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    run = podman.build(project, f"FROM {BASE}\nRUN echo said && exit 3\nRUN true\n", series(), tag=tag())
    assert not run.ok
    assert run.log.startswith("said\n")
    (failed,) = [step for step in run.steps if step.error]
    assert failed.name == "[2/3] RUN echo said && exit 3"
    assert "exit status 3" in failed.error
    assert run.steps[-1] == failed


def test_a_missing_base_image_is_a_failing_build(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    run = podman.build(project, "FROM dir:/nowhere\nRUN true\n", series(), tag=tag())
    assert not run.ok
    (failed,) = [step for step in run.steps if step.error]
    assert failed.name == "[1/2] FROM dir:/nowhere"


def test_onbuild_cannot_be_marked(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    base = tag()
    assert podman.build(project, f"FROM {BASE}\nONBUILD RUN true\n", tag=base).ok
    with pytest.raises(EngineError, match="ONBUILD"):
        podman.build(project, f"FROM {base}\n", series(), tag=tag())


@pytest.mark.parametrize("mark", [False, True])
@pytest.mark.parametrize("name", [BASE, "localhost/missing:1"])
def test_build_context_replaces_a_base_image(
    podman: Podman, project: Path, tag: Callable[[], str], name: str, mark: bool
) -> None:
    options = BuildOptions(
        mark=series().mark if mark else "",
        build_args={"TAG": "1"},
        build_contexts=(f"{name}=docker-image://{OTHER_BASE}", f"files={project / 'd'}"),
    )
    text = (
        f'ARG NAME={name.rpartition(":")[0]}\nARG TAG=0\nFROM $NAME:${{TAG}} AS one\nRUN echo "$(cat /word)"\n'
        "FROM one\nCOPY --from=files a /\n"
    )
    run = podman.build(project, text, options, tag=tag())
    assert run.ok, run.log
    assert f"{OTHER_BASE}\n" in run.log
    assert run.steps[0].name == f"[one 1/2] FROM {name} AS one"


def test_options_are_honoured(podman: Podman, project: Path, tag: Callable[[], str], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    text = (
        f"FROM {BASE} AS one\nARG WHO=nobody\n"
        "RUN --mount=type=secret,id=s cat /run/secrets/s; echo hello $WHO; ls /sys/class/net\n"
        "FROM one\nRUN false\n"
    )
    options = BuildOptions(
        target="one", network="none", platform="linux/amd64", build_args={"WHO": "you"}, secrets=(f"id=s,src={secret}",)
    )
    run = podman.build(project, text, options, tag=tag())
    assert run.ok, run.log
    assert run.log.startswith("hush\nhello you\nlo\n")


def test_no_cache(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    text = f"FROM {BASE}\nRUN echo again\n"
    options = BuildOptions(mark=series().mark, no_cache=True)
    for _ in range(2):
        assert commands(podman.build(project, text, options, tag=tag())) == ["again"]


def test_ignore_file_beside_the_dockerfile_counts(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    path = project / "web.Dockerfile"
    path.write_text("FROM scratch\nCOPY b /\n")
    assert podman.build(project, path, series(), tag=tag()).ok
    (project / "web.Dockerfile.dockerignore").write_text("b\n")
    for options in (series(), BuildOptions()):
        assert not podman.build(project, path, options, tag=tag()).ok


def test_output_goes_to_a_directory(podman: Podman, project: Path, tmp_path: Path) -> None:
    where = tmp_path / "out"
    assert podman.build(project, "FROM scratch\nCOPY b /\n", output=f"type=local,dest={where}").ok
    assert (where / "b").read_text() == "b"


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.mark.parametrize("keyword", ["ADD", "RUN"])
def test_an_interrupted_build_leaves_nothing(
    podman: Podman, project: Path, tag: Callable[[], str], ask: Callable[..., list[str]], keyword: str, silent: str
) -> None:
    name, seconds = tag(), str(uuid.uuid4().int % 10**12)
    endless = {"ADD": f"ADD {silent} /", "RUN": f"RUN sleep {seconds}"}[keyword]

    def interrupt(steps: Sequence[Step]) -> None:
        if f"] {keyword} " in steps[-1].name:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        podman.build(project, f"FROM {BASE}\n{endless}\n", series(), tag=name, watch=interrupt)
    podman.remove_image(name)
    assert not ask("ps", "--all", "--external", "--quiet")
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if seconds in text_of(path)]


def text_of(path: Path) -> str:
    """Return what a process was started with, nothing if it has ended."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_is_found_where_docker_is_not(client: Path) -> None:
    found = find_engine({"PATH": str(client.parent)})
    assert found.name.startswith("Podman ")


def test_directories_above_a_mount(podman: Podman, project: Path, tag: Callable[[], str]) -> None:
    targets = ("/root/.cache/pip", "/root/.cache/pip/http", "/root/.npm")
    names, flag = (tag(), tag()), "RUN --mount=type=cache,target="
    plain = f"FROM {BASE}\nRUN mkdir -p /root\nRUN echo install\n"
    mounted = plain.replace("RUN echo", f"{flag}{' --mount=type=cache,target='.join(targets)} echo")
    for name, text in zip(names, (plain, mounted), strict=True):
        assert podman.build(project, text, series(), tag=name).ok
    before, after = saved_images(podman, names).values()
    found = Explainer(Context(MemoryTree({}), None, ".dockerignore", "memory"), (), None, Comparison(()), (), targets)(
        before, after
    )
    expected = {("/root/.cache", "extra"): MOUNTED} if podman.leaves_mount_parents else {}
    assert {(item.path, item.what): item.cause for item in found} == expected
