"""What the crates of Cargo.lock need when the program runs: C libraries, certificates and time zones.

Facts: the build scripts of the crates; the rust image stands on buildpack-deps, whose development packages
``pkg-config`` finds; Debian's and Alpine's package names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model import Declined, Place

# They bring their C sources along, or only declare what the system, a browser or another system has.
_CARRY_THEIR_OWN = frozenset(
    "aws-lc-sys aws-lc-fips-sys linux-raw-sys js-sys web-sys zstd-sys jni-sys inotify-sys fsevent-sys clang-sys"
    " core-foundation-sys core-graphics-sys security-framework-sys system-configuration-sys objc-sys ndk-sys"
    " tikv-jemalloc-sys jemalloc-sys libmimalloc-sys lz4-sys secp256k1-sys libgit2-sys libssh2-sys winapi".split()
)
# The package of the library that a crate may be linked to, under names that Debian's releases have in common.
_LIBRARIES = {
    "libsqlite3-sys": "libsqlite3-0",
    "pq-sys": "libpq5",
    "mysqlclient-sys": "libmariadb3",
    "bzip2-sys": "libbz2-1.0",
    "lzma-sys": "liblzma5",
    "liblzma-sys": "liblzma5",
    "libz-sys": "zlib1g",
    "pcre2-sys": "libpcre2-8-0",
    "curl-sys": "libcurl4",
    "librocksdb-sys": "libstdc++6",
    "link-cplusplus": "libstdc++6",
}
# What the crates above are built with, or only a build script loads.
DEVELOPMENT = frozenset(
    "libssl-dev libsqlite3-dev libpq-dev libmariadb-dev default-libmysqlclient-dev libbz2-dev liblzma-dev zlib1g-dev"
    " libpcre2-dev libcurl4-openssl-dev libclang-dev libzstd-dev".split()
)
_OPENSSL = {"bullseye": "libssl1.1", "bookworm": "libssl3", "trixie": "libssl3"}
_CERTIFICATES = frozenset({"openssl-sys", "native-tls", "rustls-native-certs", "rustls-platform-verifier", "curl-sys"})
_ZONES = frozenset({"jiff", "tzfile", "tz-rs"})
_OF_C = re.compile(r"[-_]sys(?:[-_]|\Z)|\A(?:pyo3-ffi|opencv|oracle)\Z")
_NAMED = re.compile(r'^name = "([^"]+)"', re.MULTILINE)


def libraries(lock: str, where: str, suite: str) -> Iterator[str]:
    """Yield Debian's packages that the crates of a lock may load; raises Declined for a crate that is not known."""
    for match in _NAMED.finditer(lock):
        name = match[1]
        place = Place(where, lock.count("\n", 0, match.start()) + 1)
        if name == "openssl-sys":
            if suite not in _OPENSSL:
                raise Declined("which OpenSSL the program loads depends on Debian's suite, which no tag says", place)
            yield _OPENSSL[suite]
        elif name in _LIBRARIES:
            yield _LIBRARIES[name]
        elif _OF_C.search(name) and name not in _CARRY_THEIR_OWN and not name.startswith("windows"):
            raise Declined(f"which C library the crate {name} loads is not known", place)


def files(lock: str) -> Iterator[str]:
    """Yield the packages of the files that the crates look for, by the same names in Debian and Alpine."""
    names = set(_NAMED.findall(lock))
    if names & _CERTIFICATES:
        yield "ca-certificates"
    if names & _ZONES:
        yield "tzdata"
