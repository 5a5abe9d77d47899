"""What the small images of Debian and Alpine have, which package brings a program, and how packages are installed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from .. import ecosystems
from ..model import Declined, Place
from ._calls import Call
from ._candidate import Candidate

_COMMON = frozenset(
    "[ awk basename cat chmod chown chroot cp cut date dd df dirname du echo env expr false find grep head hostname id"
    " install kill ln ls md5sum mkdir mkfifo mktemp mv nice nohup od printf pwd readlink realpath rm rmdir sed seq sh"
    " sha256sum sleep sort stat su sync tail tar tee test timeout touch tr true tty uname uniq wc whoami xargs yes"
    " gzip gunzip zcat getent which mount umount".split()
)


@dataclass(frozen=True)
class Distribution:
    """A family of images: the `programs` and `accounts` that all have, and which package brings another program.

    `install` is the RUN that installs packages, ``{}`` for their names and a line end where it may be continued.
    """

    name: str
    programs: frozenset[str]
    accounts: frozenset[str]
    packages: dict[str, str]
    install: str = ""

    @cached_property
    def shell(self) -> bool:
        """Whether it has a shell."""
        return "sh" in self.programs


_SAME = {name: name for name in ("curl", "git", "tini", "dumb-init", "bash", "jq", "openssl", "ffmpeg", "socat")}
DEBIAN = Distribution(
    "Debian",
    _COMMON | {"bash", "perl", "apt-get", "dpkg", "setpriv", "runuser", "nproc"},
    frozenset("root daemon bin sys games man lp mail news uucp proxy www-data backup list irc nobody".split()),
    {**_SAME, "wget": "wget", "gosu": "gosu", "psql": "postgresql-client", "pg_isready": "postgresql-client"}
    | {"mysql": "default-mysql-client", "redis-cli": "redis-tools", "nc": "netcat-openbsd", "ps": "procps"}
    | {"pgrep": "procps", "pkill": "procps", "unzip": "unzip", "convert": "imagemagick", "ssh": "openssh-client"}
    | {"envsubst": "gettext-base", "sqlite3": "sqlite3", "sudo": "sudo"},
    "apt-get update\n&& apt-get install -y --no-install-recommends {}\n&& rm -rf /var/lib/apt/lists/*",
)
ALPINE = Distribution(
    "Alpine",
    _COMMON | {"ash", "wget", "nc", "ps", "pgrep", "pkill", "unzip", "apk", "adduser", "addgroup", "vi", "nproc"},
    frozenset("root daemon bin sync shutdown halt mail news uucp operator cron ftp sshd games guest nobody".split()),
    {**_SAME, "su-exec": "su-exec", "psql": "postgresql-client", "pg_isready": "postgresql-client"}
    | {"mysql": "mysql-client", "redis-cli": "redis", "envsubst": "gettext-envsubst", "sqlite3": "sqlite"}
    | {"ssh": "openssh-client", "convert": "imagemagick", "sudo": "sudo"},
    "apk add --no-cache {}",
)
DISTROLESS = Distribution("distroless", frozenset(), frozenset({"root", "nobody", "nonroot"}), {})

# Packages that only a build needs; a program that calls one of them keeps it.
_BUILD_ONLY = frozenset(
    "autoconf automake bison build-base build-essential bzr binutils cargo clang cmake file flex g++ gcc git gnupg"
    " gnupg2 libc-dev libc6-dev libtool linux-headers llvm lsb-release make mercurial musl-dev nasm ninja-build"
    " openssh-client patch pkg-config pkgconf pkgconfig protobuf-compiler protoc subversion apt-utils"
    " software-properties-common python3 python3-dev python3-pip python2 python upx upx-ucl vim nano less"
    " dos2unix apt-transport-https".split()
)
_DEVELOPMENT = re.compile(r"-dev(?:el)?\Z|-headers\Z")
# The library that a program linked with a development package loads; only names that no release has changed.
_LIBRARIES = {
    "Debian": {
        "libpq-dev": "libpq5",
        "libsqlite3-dev": "libsqlite3-0",
        "zlib1g-dev": "zlib1g",
        "libgomp-dev": "libgomp1",
        "libmariadb-dev": "libmariadb3",
        "default-libmysqlclient-dev": "libmariadb3",
        "libsodium-dev": "libsodium23",
        "librdkafka-dev": "librdkafka1",
        "libcairo2-dev": "libcairo2",
        "libpango1.0-dev": "libpango-1.0-0",
        "libxml2-utils-dev": "libxml2",
        "libxml2-dev": "libxml2",
        "libxslt1-dev": "libxslt1.1",
        "libxslt-dev": "libxslt1.1",
        "libjpeg-dev": "libjpeg62-turbo",
        "libjpeg62-turbo-dev": "libjpeg62-turbo",
        "libfreetype6-dev": "libfreetype6",
        "liblcms2-dev": "liblcms2-2",
        "libopenjp2-7-dev": "libopenjp2-7",
        "libyaml-dev": "libyaml-0-2",
        "libgmp-dev": "libgmp10",
        "unixodbc-dev": "unixodbc",
        "libsndfile1-dev": "libsndfile1",
        "libmemcached-dev": "libmemcached11",
        "libsasl2-dev": "libsasl2-2",
    },
    "Alpine": {
        "postgresql-dev": "libpq",
        "mariadb-dev": "mariadb-connector-c",
        "mariadb-connector-c-dev": "mariadb-connector-c",
        "libxml2-dev": "libxml2",
        "libxslt-dev": "libxslt",
        "jpeg-dev": "libjpeg-turbo",
        "libjpeg-turbo-dev": "libjpeg-turbo",
        "libpq-dev": "libpq",
        "sqlite-dev": "sqlite-libs",
        "zlib-dev": "zlib",
        "librdkafka-dev": "librdkafka",
        "libsodium-dev": "libsodium",
        "vips-dev": "vips",
        "cairo-dev": "cairo",
        "pango-dev": "pango",
    },
}


def needed(
    candidate: Candidate, distribution: Distribution, own: frozenset[str], calls: Sequence[Call] | None = None
) -> tuple[str, ...]:
    """Return the packages that the calls need, by default the candidate's; `own` are programs that are carried over.

    Raises Declined for a program that no known package brings, and for a shell that is not there.
    """
    found: dict[str, None] = {}
    for call in candidate.calls if calls is None else calls:
        if call.shell and not distribution.shell:
            raise Declined(f"{distribution.name} has no shell, which reads what is started", call.where)
        for program in _programs(candidate, call):
            if program in own or program in distribution.programs:
                continue
            if program not in distribution.packages:
                raise Declined(f"which package brings `{program}` is not known", call.where)
            found[distribution.packages[program]] = None
    return tuple(found)


def _programs(candidate: Candidate, call: Call) -> Iterator[str]:
    yield from call.helpers
    for words in (call.words, *call.others):
        word = words[0] if words else ""
        if word.startswith(("$", '"$')) or not word:
            continue  # what the container is started with, judged as the program itself
        path = candidate.path(word)
        if not (path and candidate.view.exists(path)):
            yield word.rpartition("/")[2]


def installed(
    candidate: Candidate, distribution: Distribution, linked: bool, judged: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Return the packages that the stage installs and the program may need: all but the known build tools.

    `linked` tells whether the program may load libraries of the system; `judged` are packages whose libraries the
    caller finds by itself. Raises Declined for a development package whose library is not known.
    """
    found: dict[str, None] = {}
    for word, place in _asked(candidate):
        name = re.split("[=<>~:]", word)[0]
        if name in _BUILD_ONLY | judged:
            continue
        if not _DEVELOPMENT.search(name):
            found[word if "=" not in word else name] = None
        elif linked:
            loaded = library(distribution, name)
            if loaded is None:
                raise Declined(f"which library a program built with {name} loads is not known", place)
            found[loaded] = None
    return tuple(found)


def library(distribution: Distribution, package: str) -> str | None:
    """Return the package of the library behind a development package, None where it is not known."""
    return _LIBRARIES.get(distribution.name, {}).get(package)


def tools(candidate: Candidate) -> tuple[str, ...]:
    """Return the packages that the stage installs and only a build needs."""
    return tuple(word for word, _ in _asked(candidate) if word in _BUILD_ONLY or _DEVELOPMENT.search(word))


def _asked(candidate: Candidate) -> Iterator[tuple[str, Place]]:
    for run, step in candidate.steps:
        command = ecosystems.recognise(step, candidate.build.view(candidate.stage, run.instruction))
        if command and command.ecosystem in ecosystems.of_the_system() and command.install:
            place = candidate.build.step_place(run, step)
            yield from ((word, place) for word in _packages(step.words, place))


def _packages(words: Iterable[str | None], place: Place) -> Iterator[str]:
    at, valued = 0, False
    for word in words:
        if word is None or (at and "/" in word and not word.startswith("-")):
            raise Declined("which packages a RUN installs is not known", place)
        if word in ("install", "add") and not at:
            at = 1
        elif at and not valued and not word.startswith(("-", ".")):
            yield word
        valued = word in ("-o", "-t", "-X", "--virtual", "--repository", "--target-release")


def account_known(candidate: Candidate, distribution: Distribution) -> None:
    """Raise Declined if the final image would not have the account that USER names."""
    user = candidate.stage.end.user
    if user is None:
        raise Declined("the user that the program runs as is not known")
    name = user.partition(":")[0]
    made = {
        word for run in candidate.runs if candidate.is_setup(run) for step in run.steps for word in step.words if word
    }
    if name and not name.isdigit() and name not in distribution.accounts | made:
        raise Declined(f"the image to run on may have no user {name}")
