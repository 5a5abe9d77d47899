"""Throw-away builders, with a client that only pretends: what is asked of it, and that nothing stays behind."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from rewrite.verify.builders import ImportedCache, empty, importing, throwaway
from rewrite.verify.copies import Copy
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions, EngineError

# It knows the builder's cache (records.json: what each identifier is), and fails as fail.json says: the beginning of a
# command, and the message.
CLIENT = f"""#!{sys.executable}
import json, re, sys
from pathlib import Path
here = Path(__file__).parent
arguments = sys.argv[1:]
command = " ".join(arguments)
with open(here / "calls", "a") as calls:
    print(json.dumps(arguments), file=calls)
for start, message in json.loads((here / "fail.json").read_text()).items():
    if command.startswith(start):
        sys.exit(message)
records = json.loads((here / "records.json").read_text())
if command.startswith("buildx du"):
    shown = [i for i, what in records.items() if "pulled" in what or not any("pulled" in a for a in arguments)]
    print("ID\\tRECLAIMABLE\\tSIZE\\tLAST ACCESSED")
    print(*(f"{{i}}\\ttrue\\t1kB\\t1 second ago" for i in shown), sep="\\n")
    print("Reclaimable:\\t3.4GB\\nTotal:\\t3.4GB")
if command.startswith("buildx prune"):
    (which,) = [a.partition("id=")[2] for a in arguments if a.startswith("--filter=id=")]
    records = {{i: what for i, what in records.items() if "held" in what or not re.search(which, i.rstrip("*"))}}
if command.startswith("buildx stop"):
    records = {{i: what.replace("held by a step", "") for i, what in records.items()}}
(here / "records.json").write_text(json.dumps(records))
"""
BASE, RUN, MOUNT = "l879334kjxkq12hgwoxgsv2gi", "uruswpf0vog83126ge40tdx7w", "oyq29dl3zmz5zhgd0wjeu3cww*"
OURS = "dockerfix-0123456789ab"


class Client:
    """A client on disk, and what it was asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        program = root / "docker"
        program.write_text(CLIENT)
        program.chmod(0o755)
        self.docker = Docker(str(program), "28.5")
        self.fails({})
        self.holds({})

    def fails(self, messages: dict[str, str]) -> None:
        (self.root / "fail.json").write_text(json.dumps(messages))

    def holds(self, records: dict[str, str]) -> None:
        (self.root / "records.json").write_text(json.dumps(records))

    @property
    def held(self) -> set[str]:
        return set(json.loads((self.root / "records.json").read_text()))

    def asked(self, start: str = "") -> list[list[str]]:
        path = self.root / "calls"
        calls = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [call for call in calls if " ".join(call).startswith(start)]


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


def removal(builder: str) -> list[list[str]]:
    container = f"buildx_buildkit_{builder}0"
    return [
        ["buildx", "rm", "--force", builder],
        ["container", "rm", "--force", "--volumes", container],
        ["volume", "rm", "--force", f"{container}_state"],
    ]


def test_a_builder_is_made_and_removed(client: Client) -> None:
    with throwaway(client.docker, config="b.toml", driver_options=["network=host", "memory=1g"]) as docker:
        assert docker.builder.startswith("dockerfix-")
        options = ["--buildkitd-config=b.toml", "--driver-opt=network=host", "--driver-opt=memory=1g", "--bootstrap"]
        create = ["buildx", "create", "--driver=docker-container", f"--name={docker.builder}", *options]
        assert client.asked() == [create]
    assert client.asked()[1:] == removal(docker.builder)


def test_two_builders_have_two_names(client: Client) -> None:
    with throwaway(client.docker) as one, throwaway(client.docker) as other:
        assert one.builder != other.builder


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_builder_is_removed_whatever_happens(client: Client, error: type[BaseException]) -> None:
    with pytest.raises(error), throwaway(client.docker) as docker:
        raise error
    assert client.asked()[1:] == removal(docker.builder)


def test_what_an_unsuccessful_creation_leaves_is_removed(client: Client) -> None:
    told = "#1 booting buildkit\n#1 ERROR: no such image\n------\nERROR: no such image: moby/buildkit"
    client.fails({"buildx create": told, "buildx rm": "no builder found"})
    with pytest.raises(EngineError) as raised, throwaway(client.docker):
        pass
    assert raised.value.message == "no builder can be made: no such image: moby/buildkit"
    assert "privileged" in raised.value.hint
    ((name,),) = [[a.partition("=")[2] for a in c if a.startswith("--name")] for c in client.asked("buildx create")]
    assert client.asked()[1:] == removal(name)


@pytest.mark.parametrize("step", ["container rm", "volume rm"])
def test_a_builder_that_cannot_be_removed_is_told(client: Client, step: str) -> None:
    client.fails({step: "in use"})
    with pytest.raises(EngineError, match="in use"), throwaway(client.docker):
        pass


@pytest.mark.parametrize("builder", ["", "default", "mine", "my-dockerfix-builder"])
def test_nobody_elses_cache_is_emptied(client: Client, builder: str) -> None:
    client.holds({RUN: "mount / from exec"})
    with pytest.raises(EngineError, match=f"not {builder or 'the current one'}$"):
        empty(Docker(client.docker.client, "28.5", builder))
    assert client.asked() == []


def test_emptied_of_all_but_the_base_images(client: Client) -> None:
    client.holds({BASE: "pulled from debian", RUN: "mount / from exec", MOUNT: "cached mount"})
    empty(Docker(client.docker.client, "28.5", OURS))
    assert client.held == {BASE}
    assert all(f"--builder={OURS}" in call for call in client.asked())


def test_an_empty_builder_is_not_pruned(client: Client) -> None:
    client.holds({BASE: "pulled from debian"})
    empty(Docker(client.docker.client, "28.5", OURS))
    assert client.asked("buildx prune") == []


def test_what_cannot_be_pruned_is_let_go_by_a_restart(client: Client) -> None:
    client.holds({BASE: "pulled from debian", RUN: "held by a step", MOUNT: "cached mount"})
    empty(Docker(client.docker.client, "28.5", OURS))
    assert client.held == {BASE}
    others = [call for call in client.asked() if call[1] not in ("du", "prune")]
    assert others == [["buildx", "stop", OURS], ["buildx", "inspect", "--bootstrap", OURS]]


def test_what_cannot_be_forgotten_is_an_error(client: Client) -> None:
    client.holds({BASE: "pulled from debian", RUN: "held for ever"})
    with pytest.raises(EngineError, match=f"does not forget {RUN}$"):
        empty(Docker(client.docker.client, "28.5", OURS))


def caches(call: list[str]) -> list[str]:
    """Return the cache options of a build, and what is built."""
    return [argument for argument in call if argument.startswith("--cache-")] + call[-1:]


WARM, EDITED, OTHER = (Copy(Path(name), Path(name, "Dockerfile")) for name in ("warm", "edited", "other"))


def test_the_edited_copy_is_built_with_what_the_warm_one_exported(client: Client, tmp_path: Path) -> None:
    client.holds({BASE: "pulled from debian", RUN: "mount / from exec"})
    imported = ImportedCache(Docker(client.docker.client, "28.5", OURS), tmp_path)
    options = BuildOptions(build_args={"A": "1"}, cache_from=["theirs"], cache_to=["theirs"])
    assert imported(WARM, EDITED, options).ok
    to, source = (
        f"--cache-to=type=local,dest={tmp_path},tag=0,mode=max",
        f"--cache-from=type=local,src={tmp_path},tag=0",
    )
    builds = client.asked("buildx build")
    assert [caches(call) for call in builds] == [[to, "warm"], [source, "edited"]]
    for call in builds:
        assert {f"--builder={OURS}", "--output=type=cacheonly", "--build-arg=A=1"} <= set(call)
    assert client.asked()[0][:2] == ["buildx", "du"]
    assert client.held == {BASE}


def test_each_build_starts_on_an_empty_builder(client: Client, tmp_path: Path) -> None:
    ImportedCache(Docker(client.docker.client, "28.5", OURS), tmp_path)(WARM, EDITED, BuildOptions())
    assert [call[1] for call in client.asked()] == ["du", "du", "build", "du", "du", "build"]


def test_a_cache_is_exported_once_for_all_edits(client: Client, tmp_path: Path) -> None:
    imported = ImportedCache(Docker(client.docker.client, "28.5", OURS), tmp_path)
    for warm in (WARM, OTHER, WARM):
        imported(warm, EDITED, BuildOptions())
    imported(WARM, EDITED, BuildOptions(target="web"))
    built = [caches(call) for call in client.asked("buildx build")]
    tags = [(copy, cache.split("tag=")[1].partition(",")[0]) for cache, copy in built]
    firsts = [("warm", "0"), ("edited", "0"), ("other", "1"), ("edited", "1"), ("edited", "0")]
    assert tags == [*firsts, ("warm", "2"), ("edited", "2")]


def test_where_the_warm_copy_does_not_build_nothing_else_is_built(client: Client, tmp_path: Path) -> None:
    client.fails({"buildx build": "exit code: 3"})
    run = ImportedCache(Docker(client.docker.client, "28.5", OURS), tmp_path)(WARM, EDITED, BuildOptions())
    assert (run.ok, run.log) == (False, "exit code: 3\n")
    assert [call[-1] for call in client.asked("buildx build")] == ["warm"]


def test_importing_leaves_neither_builder_nor_cache(client: Client) -> None:
    with importing(client.docker, config="b.toml", driver_options=["network=host"]) as imported:
        assert imported(WARM, EDITED, BuildOptions()).ok
        (create,) = client.asked("buildx create")
        assert {"--buildkitd-config=b.toml", "--driver-opt=network=host"} <= set(create)
        (name,) = [argument.partition("=")[2] for argument in create if argument.startswith("--name=")]
        (cache,) = [a for a in client.asked("buildx build")[0] if a.startswith("--cache-to")]
        directory = Path(cache.partition("dest=")[2].partition(",")[0])
        assert directory.is_dir()
    assert not directory.exists()
    assert client.asked()[-3:] == removal(name)
