"""Images read without running them: from ``docker save``, or from an archive that buildx wrote.

Both kinds of archive are read in one pass, with `manifest.json` (docker) or `index.json` (OCI) naming the layers.
A layer is read once, however many images share it.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from .engine import Engine, EngineError
from .layers import CHUNK, FileEntry, Layer, flatten, read_layer

# How docker and podman call a layer by its digest.
BLOB = re.compile(r"blobs/\w+/[0-9a-f]+|[0-9a-f]{64}\.tar")
ZSTD = b"\x28\xb5\x2f\xfd"
TAR_MAGIC = slice(257, 262)  # a layer's first file may be called "[id].js", so a bracket alone makes no JSON
MANIFEST, INDEX = "manifest.json", "index.json"
NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
ATTESTATION = "vnd.docker.reference.type"


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What a container of the image is started with; None where the image says nothing."""

    env: Mapping[str, str] = field(default_factory=dict)
    cmd: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    user: str = ""
    workdir: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: frozenset[str] = frozenset()
    volumes: frozenset[str] = frozenset()
    healthcheck: Mapping[str, Any] | None = None
    stop_signal: str = ""
    shell: tuple[str, ...] | None = None
    onbuild: tuple[str, ...] = ()
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """An image's files by absolute path, all layers applied, and its configuration."""

    files: Mapping[str, FileEntry]
    config: ImageConfig


def read_config(document: Mapping[str, Any]) -> ImageConfig:
    """Return the configuration that an image's JSON document holds."""
    config = document.get("config") or {}

    def words(key: str) -> tuple[str, ...] | None:
        return None if config.get(key) is None else tuple(config[key])

    return ImageConfig(
        env={name: value for name, _, value in (entry.partition("=") for entry in config.get("Env") or ())},
        cmd=words("Cmd"),
        entrypoint=words("Entrypoint"),
        user=config.get("User") or "",
        workdir=config.get("WorkingDir") or "",
        labels=config.get("Labels") or {},
        ports=frozenset(config.get("ExposedPorts") or ()),
        volumes=frozenset(config.get("Volumes") or ()),
        healthcheck=config.get("Healthcheck"),
        stop_signal=config.get("StopSignal") or "",
        shell=words("Shell"),
        onbuild=words("OnBuild") or (),
        platform="/".join(document[key] for key in ("os", "architecture", "variant") if document.get(key)),
    )


def read_images(stream: IO[bytes], layers: dict[str, Layer] | None = None) -> dict[str, Image]:
    """Return the images of an archive by name (docker's tags; ``""`` for an image without a name).

    `layers` remembers layers by digest from one archive to the next, so that a base image is hashed once. Raise
    `EngineError` for an archive of neither kind.
    """
    archive = _Archive({} if layers is None else layers)
    with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK) as tar:
        for member in tar:
            tar.members = []  # type: ignore[attr-defined]  # tarfile remembers each member otherwise
            archive.take(tar, member)
    flat: dict[tuple[str, ...], dict[str, FileEntry]] = {}
    images = {}
    for name, config, chain in archive.images():
        if chain not in flat:
            flat[chain] = flatten(archive.layer(path) for path in chain)
        images[name] = Image(flat[chain], read_config(config))
    return images


def saved_images(engine: Engine, references: Sequence[str], layers: dict[str, Layer] | None = None) -> dict[str, Image]:
    """Return images that the engine holds, by reference; what those asked for together share is read once."""
    with engine.save(references) as stream:
        images = read_images(stream, layers)
    return {reference: _named(images, reference) for reference in references}


def _named(images: Mapping[str, Image], reference: str) -> Image:
    """Return an image by a reference, in which an archive spells out the tag, and podman's also the registry."""
    tagged = reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"
    return images[tagged] if tagged in images else images[f"localhost/{tagged}"]


class _Archive:
    """The parts of an image archive, collected in the order in which they come."""

    def __init__(self, layers: dict[str, Layer]) -> None:
        self._known = layers
        self._here: dict[str, Layer] = {}
        self._documents: dict[str, Any] = {}
        self._aliases: dict[str, str] = {}

    def take(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Read one member: a JSON document, a layer, or a link to a layer."""
        path = member.name.removeprefix("./")
        if member.issym() or member.islnk():
            base = path.rpartition("/")[0] if member.issym() else ""
            self._aliases[path] = _joined(base, member.linkname)
        if not member.isreg() or path in self._known:
            return
        content = tar.extractfile(member)
        assert isinstance(content, io.BufferedReader)
        start = content.peek(TAR_MAGIC.stop)
        if start[:1] in (b"{", b"[") and start[TAR_MAGIC] != b"ustar":
            self._documents[path] = json.load(content)
        elif start.startswith(ZSTD):
            raise EngineError(f"the layer {path} is compressed by zstd", hint="export it uncompressed")
        elif path.endswith("/layer.tar") or BLOB.fullmatch(path):
            layer = read_layer(content)
            (self._known if BLOB.fullmatch(path) else self._here)[path] = layer

    def layer(self, path: str) -> Layer:
        """Return the layer at `path`."""
        path = self._aliases.get(path, path)
        found = self._known.get(path) or self._here.get(path)
        if found is None:
            raise EngineError(f"the archive lacks the layer {path}")
        return found

    def images(self) -> Iterator[tuple[str, Mapping[str, Any], tuple[str, ...]]]:
        """Yield name, configuration document and layer paths of each image."""
        if MANIFEST in self._documents:
            for entry in self._documents[MANIFEST]:
                for name in entry.get("RepoTags") or ("",):
                    yield name, self._document(entry["Config"]), tuple(entry["Layers"])
        elif INDEX in self._documents:
            yield from self._listed(self._documents[INDEX], "")
        else:
            raise EngineError("neither an archive of docker save nor an OCI archive")

    def _listed(self, index: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any], tuple[str, ...]]]:
        """Yield the images of an OCI index, those of indexes inside it too, and no attestations."""
        for descriptor in index["manifests"]:
            notes = descriptor.get("annotations") or {}
            if ATTESTATION in notes:
                continue
            called = next((notes[key] for key in NAMES if key in notes), name)
            manifest = self._document(_blob(descriptor))
            if "manifests" in manifest:
                yield from self._listed(manifest, called)
            else:
                yield called, self._document(_blob(manifest["config"])), tuple(map(_blob, manifest["layers"]))

    def _document(self, path: str) -> Mapping[str, Any]:
        """Return the JSON document at `path`."""
        try:
            document: Mapping[str, Any] = self._documents[path]
        except KeyError:
            raise EngineError(f"the archive lacks {path}") from None
        return document


def _blob(descriptor: Mapping[str, Any]) -> str:
    """Return the path at which an OCI archive keeps what a descriptor describes."""
    return "blobs/" + str(descriptor["digest"]).replace(":", "/")


def _joined(base: str, link: str) -> str:
    """Return the archive path that a link in the directory `base` names."""
    parts = base.split("/") if base else []
    for part in link.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
