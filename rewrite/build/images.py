"""What is known of base images without pulling them: user, home, working directory, accounts of the official ones.

Source: their Dockerfiles in docker-library, those of Microsoft's .NET SDK, Amazon Corretto, uv, bun, and hexpm/bob
(``USER`` is never set, so builds start as root; ``WORKDIR``, accounts and ``ENV`` as listed; none sets ``HOME``). An
image that is not named here is unknown, not assumed to be alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """A user of an image; `uid` and `gid` are None where only its name is known.

    `home_exists` tells whether the home directory is known to be there.
    """

    name: str
    uid: int | None
    gid: int | None
    home: str | None
    home_exists: bool = True


ROOT = Account("root", 0, 0, "/root")
NODE = Account("node", 1000, 1000, "/home/node")
BUN = Account("bun", 1000, 1000, "/home/bun")
# Since .NET 8; before, there was no such user.
APP = Account("app", 1654, 1654, "/home/app")
GRADLE = Account("gradle", 1000, 1000, "/home/gradle")


@dataclass(frozen=True, slots=True)
class BaseImage:
    """A base image: `workdir` is None where it is not known; `official` tells whether this module knows the image.

    `env` holds the variables that tools look at, by name; a value is None where it is not known.
    """

    reference: str
    workdir: str | None = None
    accounts: tuple[Account, ...] = (ROOT,)
    official: bool = False
    env: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a registry or an engine says of a reference: its digest, and the platforms, as ``linux/amd64``.

    Either is empty where nobody could tell.
    """

    digest: str = ""
    platforms: tuple[str, ...] = ()


# name: (working directory, further accounts); what has differed between versions is not known
_KNOWN: dict[str, tuple[str | None, tuple[Account, ...]]] = {
    "alpine": ("/", ()),
    "amazoncorretto": ("/", ()),
    "astral-sh/uv": ("/", ()),
    "buildpack-deps": ("/", ()),
    "composer": ("/app", ()),
    "debian": ("/", ()),
    "dotnet/sdk": ("/", (APP,)),
    "eclipse-temurin": ("/", ()),
    "elixir": ("/", ()),
    "erlang": ("/", ()),
    "gcc": ("/", ()),
    "golang": ("/go", ()),
    "hexpm/elixir": ("/", ()),
    "hexpm/erlang": ("/", ()),
    "gradle": ("/home/gradle", (GRADLE,)),
    "maven": (None, ()),
    "nginx": ("/", ()),
    "node": ("/", (NODE,)),
    "openjdk": ("/", ()),
    "oven/bun": ("/home/bun/app", (BUN,)),
    "perl": (None, ()),
    "php": ("/var/www/html", ()),
    "python": ("/", ()),
    "ruby": ("/", ()),
    "rust": ("/", ()),
    "ubuntu": ("/", ()),
}
# What the tools of the image look at; a value that versions differ in is None.
_ENVIRONMENT: dict[str, tuple[tuple[str, str | None], ...]] = {
    "astral-sh/uv": (("UV_TOOL_BIN_DIR", "/usr/local/bin"),),
    "composer": (("COMPOSER_ALLOW_SUPERUSER", "1"), ("COMPOSER_HOME", "/tmp")),
    "golang": (("GOPATH", "/go"), ("GOTOOLCHAIN", None)),
    "maven": (("MAVEN_CONFIG", "/root/.m2"),),
    "ruby": (("BUNDLE_APP_CONFIG", "/usr/local/bundle"), ("GEM_HOME", "/usr/local/bundle")),
    "rust": (("CARGO_HOME", "/usr/local/cargo"), ("RUSTUP_HOME", "/usr/local/rustup")),
}
_REFERENCE = re.compile(
    r"(?:(?:docker\.io/)?(?:library/)?(?P<name>(?:hexpm/|oven/)?[a-z0-9-]+)|mcr\.microsoft\.com/(?P<microsoft>dotnet/sdk)"
    # Of uv's images, those that are built on another one; the others hold nothing but uv.
    r"|(?:ghcr\.io/)?(?P<astral>astral-sh/uv)(?=:(?:[\d.]+-)?(?:python3|alpine|debian|bookworm|trixie|bullseye)))"
    r"(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?\Z"
)


# Maven's images on openjdk and eclipse-temurin: those of onbuild, before 3.5, and on GraalVM have another WORKDIR.
_MAVEN = re.compile(
    r"maven(?::(?:latest|[34]|3\.(?:[5-9]|\d\d)[\w.]*|4\.\d[\w.]*(?:-rc-\d+)?)"
    r"(?:-(?:openjdk|jdk|eclipse-temurin)-\d[\w.]*)?(?:-(?:slim|alpine|noble|jammy|focal|\w*ea\w*))*)?(?:@.*)?\Z"
)


def describe(reference: str) -> BaseImage:
    """Return what is known of the image `reference` (a name with registry, tag or digest)."""
    if reference == "scratch":
        return BaseImage(reference, "/", (), True)
    match = _REFERENCE.match(reference)
    name = match["name"] or match["microsoft"] or match["astral"] if match else ""
    if name not in _KNOWN or is_windows(reference):
        return BaseImage(reference)
    workdir, accounts = _KNOWN[name]
    if name == "maven" and _MAVEN.search(reference):
        workdir = "/"
    return BaseImage(reference, workdir, (ROOT, *accounts), True, _ENVIRONMENT.get(name, ()))


def is_windows(reference: str) -> bool:
    """Tell whether the image is one of Windows, whose RUN lines are not for sh."""
    return bool(re.search(r"windows|nanoserver|servercore|ltsc20\d\d", reference, re.IGNORECASE))
