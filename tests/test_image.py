"""Images are read from archives made in memory: layers, whiteouts, links, and both kinds of manifest."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, cast

import pytest

from rewrite.verify.engine import Engine, EngineError
from rewrite.verify.image import ImageConfig, read_config, read_images, saved_images
from rewrite.verify.layers import Layer, flatten, read_layer

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, content: bytes = b"", **attributes: Any) -> Member:
    info = tarfile.TarInfo(name)
    info.mode = 0o644
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


def directory(name: str, **attributes: Any) -> Member:
    return member(name, type=tarfile.DIRTYPE, **{"mode": 0o755, **attributes})


def tar(members: Iterable[Member]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def layer(*members: Member) -> Layer:
    return read_layer(io.BytesIO(tar(members)))


def blob(content: bytes) -> Member:
    return member(f"blobs/sha256/{hashlib.sha256(content).hexdigest()}", content)


def docker_archive(*images: tuple[str, tuple[bytes, ...]], config: dict[str, Any] | None = None) -> bytes:
    """An archive as `docker save` writes it: each blob once, the manifest last."""
    configuration = blob(json.dumps({"os": "linux", "architecture": "amd64", "config": config or {}}).encode())
    blobs = {info.name: (info, content) for _, layers in images for info, content in map(blob, layers)}
    manifest = [
        {"Config": configuration[0].name, "RepoTags": [name], "Layers": [blob(content)[0].name for content in layers]}
        for name, layers in images
    ]
    return tar([configuration, *blobs.values(), member("manifest.json", json.dumps(manifest).encode())])


def read(archive: bytes, **options: Any) -> dict[str, Any]:
    return dict(read_images(io.BytesIO(archive), **options))


def test_entry_holds_everything_but_times() -> None:
    (entry,) = dict(layer(member("./a/x", b"hello", mode=0o4755, uid=7, gid=8, mtime=99)).entries).values()
    assert (entry.type, entry.mode, entry.uid, entry.gid, entry.size) == ("file", 0o4755, 7, 8, 5)
    assert entry.sha256 == hashlib.sha256(b"hello").hexdigest()
    assert layer(member("x", mtime=1)) == layer(member("x", mtime=2))


def test_paths_are_absolute() -> None:
    paths = [path for path, _ in layer(directory("./"), directory("./etc/"), member("etc/x"), member("/y")).entries]
    assert paths == ["/", "/etc", "/etc/x", "/y"]


def test_links_devices_and_xattrs() -> None:
    capability = {"SCHILY.xattr.security.capability": "\x01"}
    entries = dict(
        layer(
            member("s", type=tarfile.SYMTYPE, linkname="../t"),
            member("n", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
            member("c", b"1", pax_headers=capability),
        ).entries
    )
    assert (entries["/s"].type, entries["/s"].link) == ("symlink", "../t")
    assert (entries["/n"].type, entries["/n"].link) == ("character device", "1:3")
    assert entries["/c"].xattrs == tuple(capability.items())


def test_hard_link_is_the_file_it_names() -> None:
    lower = layer(member("a", b"1"), member("b", type=tarfile.LNKTYPE, linkname="a"))
    upper = layer(member("c", type=tarfile.LNKTYPE, linkname="a"))
    files = flatten([lower, upper])
    assert files["/a"] == files["/b"] == files["/c"]
    assert files["/c"].type == "file"


def test_whiteout_removes_a_path_with_all_below_it() -> None:
    lower = layer(directory("d"), member("d/x"), directory("d/e"), member("d/e/y"), member("dx"))
    assert sorted(flatten([lower, layer(member(".wh.d"))])) == ["/dx"]
    assert sorted(flatten([lower, layer(member("d/e/.wh.y"))])) == ["/d", "/d/e", "/d/x", "/dx"]


def test_whiteout_spares_what_its_own_layer_brings() -> None:
    lower = layer(directory("d"), member("d/x", b"old"))
    for members in (
        [directory("d"), member("d/new"), member(".wh.d")],
        [member("d/.wh..wh..opq"), directory("d"), member("d/new")],
    ):
        assert sorted(flatten([lower, layer(*members)])) == ["/d", "/d/new"]


def test_opaque_directory_itself_stays() -> None:
    assert sorted(flatten([layer(directory("d"), member("d/x")), layer(member("d/.wh..wh..opq"))])) == ["/d"]


def test_file_in_place_of_a_directory_hides_what_was_below() -> None:
    lower = layer(directory("d"), member("d/x"))
    files = flatten([lower, layer(member("d", type=tarfile.SYMTYPE, linkname="e"))])
    assert list(files) == ["/d"]


def test_byte_code_is_hashed_without_the_time_of_its_source() -> None:
    def code(time: bytes, flags: bytes = bytes(4)) -> bytes:
        return b"\xa7\r\r\n" + flags + time + b"size" + b"code"

    one, two = (dict(layer(member("x.pyc", code(time))).entries)["/x.pyc"] for time in (b"1111", b"2222"))
    assert one.sha256 != two.sha256
    assert one.timeless == two.timeless != ""
    checked_by_hash = dict(layer(member("x.pyc", code(b"1111", b"\x01\0\0\0"))).entries)["/x.pyc"]
    assert checked_by_hash.timeless == ""
    assert dict(layer(member("x.py", code(b"1111"))).entries)["/x.py"].timeless == ""


def test_uv_notes_are_hashed_without_the_time_of_the_sources() -> None:
    def notes(time: str, commit: str = "null") -> str:
        stamp = f'{{"secs_since_epoch":{time},"nanos_since_epoch":{time}7}}'
        return f'{{"timestamp":{stamp},"commit":{commit},"directories":{{"src":{stamp}}}}}'

    def timeless(name: str, content: str) -> str:
        path = f".venv/shop-1.dist-info/{name}"
        return dict(layer(member(path, content.encode())).entries)[f"/{path}"].timeless

    assert timeless("uv_cache.json", notes("1795")) == timeless("uv_cache.json", notes("20")) != ""
    assert timeless("uv_cache.json", notes("1795")) != timeless("uv_cache.json", notes("1795", '"f00"'))
    assert timeless("uv_cache.json", "{}") == timeless("METADATA", notes("1795")) == ""
    record = "shop-1.dist-info/uv_cache.json,sha256={},{}\nshop.py,sha256={},7\n"
    assert timeless("RECORD", record.format("a", 90, "c")) == timeless("RECORD", record.format("b", 9, "c")) != ""
    assert timeless("RECORD", record.format("a", 90, "c")) != timeless("RECORD", record.format("a", 90, "d"))
    assert timeless("RECORD", "shop.py,sha256=c,7\n") == ""


def test_docker_archive_with_two_images_sharing_a_layer() -> None:
    base, one, two = tar([member("base")]), tar([member("one")]), tar([member("two")])
    images = read(docker_archive(("a:1", (base, one)), ("b:1", (base, two))))
    assert {name: sorted(image.files) for name, image in images.items()} == {
        "a:1": ["/base", "/one"],
        "b:1": ["/base", "/two"],
    }


def test_known_layer_is_not_read_again() -> None:
    base = tar([member("base")])
    known: dict[str, Layer] = {}
    read(docker_archive(("a:1", (base,))), layers=known)
    (path,) = known
    known[path] = layer(member("remembered"))
    assert list(read(docker_archive(("a:1", (base,))), layers=known)["a:1"].files) == ["/remembered"]


def test_layer_whose_first_file_has_a_bracket() -> None:
    assert list(read(docker_archive(("a:1", (tar([member("[id].js")]),))))["a:1"].files) == ["/[id].js"]


def test_old_docker_archive_with_linked_layers() -> None:
    manifest = [{"Config": "c.json", "RepoTags": None, "Layers": ["1/layer.tar", "2/layer.tar"]}]
    archive = tar(
        [
            member("1/layer.tar", tar([member("x")])),
            member("2/layer.tar", type=tarfile.SYMTYPE, linkname="../1/layer.tar"),
            member("c.json", b"{}"),
            member("manifest.json", json.dumps(manifest).encode()),
        ]
    )
    assert list(read(archive)[""].files) == ["/x"]


class Saved:
    """An engine that saves one archive, whatever it is asked for."""

    def __init__(self, archive: bytes) -> None:
        self.archive = archive

    @contextmanager
    def save(self, references: Sequence[str]) -> Iterator[IO[bytes]]:
        yield io.BytesIO(self.archive)


def test_podman_calls_layers_by_their_digest_and_spells_names_out() -> None:
    path = f"{hashlib.sha256().hexdigest()}.tar"
    manifest = [{"Config": "c.json", "RepoTags": [f"localhost/{name}:1"], "Layers": [path]} for name in "ab"]
    archive = tar(
        [
            member(path, tar([member("x")])),
            member("2/layer.tar", type=tarfile.SYMTYPE, linkname=f"../{path}"),
            member("c.json", b"{}"),
            member("manifest.json", json.dumps(manifest).encode()),
        ]
    )
    known: dict[str, Layer] = {}
    images = saved_images(cast(Engine, Saved(archive)), ["a:1", "localhost/b:1"], known)
    assert {name: list(image.files) for name, image in images.items()} == {"a:1": ["/x"], "localhost/b:1": ["/x"]}
    assert list(known) == [path]


def test_oci_archive_with_gzip_nested_index_and_attestation() -> None:
    def described(part: Member, **annotations: str) -> dict[str, Any]:
        digest = part[0].name.removeprefix("blobs/").replace("/", ":")
        return {"digest": digest, "annotations": annotations}

    files = blob(gzip.compress(tar([member("x")])))
    config = blob(json.dumps({"config": {"User": "app"}}).encode())
    manifest = blob(json.dumps({"config": described(config), "layers": [described(files)]}).encode())
    attestation = {"digest": "sha256:00", "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    inner = blob(json.dumps({"manifests": [described(manifest), attestation]}).encode())
    index = {"manifests": [described(inner, **{"org.opencontainers.image.ref.name": "v1"})]}
    image = read(tar([files, config, manifest, inner, member("index.json", json.dumps(index).encode())]))["v1"]
    assert (list(image.files), image.config.user) == (["/x"], "app")


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (tar([member("x")]), "neither"),
        (tar([member("manifest.json", b'[{"Config": "c.json", "Layers": []}]')]), "lacks c.json"),
        (tar([member("blobs/sha256/00", b"\x28\xb5\x2f\xfd")]), "zstd"),
    ],
)
def test_archives_that_cannot_be_read(archive: bytes, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        read(archive)


def test_missing_layer_is_an_error() -> None:
    manifest = b'[{"Config": "c.json", "RepoTags": ["a"], "Layers": ["blobs/sha256/00"]}]'
    with pytest.raises(EngineError, match="lacks the layer"):
        read(tar([member("c.json", b"{}"), member("manifest.json", manifest)]))


def test_config() -> None:
    config = read_config(
        {
            "os": "linux",
            "architecture": "arm64",
            "variant": "v8",
            "config": {
                "Env": ["A=1=2", "B="],
                "Cmd": ["run"],
                "Entrypoint": [],
                "User": "app",
                "WorkingDir": "/app",
                "Labels": {"l": "1"},
                "ExposedPorts": {"80/tcp": {}},
                "Volumes": {"/data": {}},
                "Healthcheck": {"Test": ["NONE"]},
                "StopSignal": "SIGINT",
                "Shell": ["bash", "-c"],
                "OnBuild": ["RUN x"],
            },
        }
    )
    assert config == ImageConfig(
        env={"A": "1=2", "B": ""},
        cmd=("run",),
        entrypoint=(),
        user="app",
        workdir="/app",
        labels={"l": "1"},
        ports=frozenset({"80/tcp"}),
        volumes=frozenset({"/data"}),
        healthcheck={"Test": ["NONE"]},
        stop_signal="SIGINT",
        shell=("bash", "-c"),
        onbuild=("RUN x",),
        platform="linux/arm64/v8",
    )
    assert read_config({}) == ImageConfig()
