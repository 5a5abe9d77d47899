"""dnf's, zypper's and pacman's commands: what they read and write, and which of them keep their packages."""

from __future__ import annotations

import pytest

from rewrite import ecosystems
from rewrite.build.build import Build
from rewrite.build.context import Context, MemoryTree
from rewrite.ecosystems import Command
from rewrite.model import Proposal, Refusal, Tier
from rewrite.rewrites import cache_mounts
from rewrite.source import dockerfile, edits

CONTEXT = Context(MemoryTree({"own.rpm": b"", "own.repo": b"", "own.spec": b""}), None, ".dockerignore", ".")
KEEP = "--setopt=cachedir=/var/cache/dnf-rpms --setopt=keepcache=1 --refresh"


def command(run: str) -> Command | None:
    """Return what the last command of a RUN does."""
    build = Build("Dockerfile", dockerfile.parse(f"FROM fedora:41\nWORKDIR /src\nCOPY . .\nRUN {run}\n"), CONTEXT)
    ((stage, found),) = build.runs()
    step = [step for step in found.steps if step.top][-1]
    return ecosystems.recognise(step, build.view(stage, found.instruction))


def outcomes(text: str) -> list[Proposal | Refusal]:
    return list(cache_mounts.find(Build("Dockerfile", dockerfile.parse(text), CONTEXT)))


def kept(text: str) -> str:
    """Return the last line of a Dockerfile after the one proposal made for it, which must be safe."""
    (proposal,) = outcomes(text)
    assert isinstance(proposal, Proposal), proposal
    assert proposal.tier == Tier.SAFE, proposal.proof
    return edits.apply(text, proposal.edits).rstrip().rpartition("\n    ")[2]


def refused(text: str) -> str:
    """Return the premise of the last refusal."""
    refusal = outcomes(text)[-1]
    assert isinstance(refusal, Refusal), refusal
    return refusal.premise


INSTALLS = [
    "dnf install -y git",
    "dnf -y --setopt=tsflags=nodocs --nodocs install 'gcc-c++' @development",
    "dnf install -y --enablerepo=crb --releasever 9 git-$VERSION",
    "dnf group install -y 'Development Tools'",
    "dnf -y module install nodejs:20/common",
    "dnf install -y https://example.org/x-$(rpm -E %fedora).rpm",
    "dnf install -y /usr/bin/gcc",
    "dnf5 -y upgrade",
    "yum -y update",
    "yum groupinstall -y Development",
    "microdnf install --nodocs -y tar",
    "dnf builddep -y git",
    "zypper --non-interactive in --no-recommends git",
    "zypper -n install -t pattern devel_basis",
    "zypper -n dup",
    "pacman -Syu --noconfirm git",
    "pacman -S --needed --noconfirm git make",
    "pacman --sync --refresh --sysupgrade --noconfirm",
]
OTHERS = [
    "dnf clean all",
    "dnf makecache --refresh",
    "dnf -y remove gcc && dnf autoremove -y",
    "dnf config-manager --set-enabled crb",
    "dnf config-manager --add-repo https://example.org/a.repo",
    "yum-config-manager --enable crb",
    "dnf copr enable -y some/project",
    "dnf module enable -y nodejs:20",
    "zypper --gpg-auto-import-keys refresh",
    "zypper ar -f -p 90 https://example.org/repo name",
    "zypper clean -a",
    "pacman -Scc --noconfirm",
    "pacman -Rns --noconfirm make",
    "pacman -Q",
    "pacman-key --init",
]


@pytest.mark.parametrize("run", [*INSTALLS, *OTHERS])
def test_known_commands(run: str) -> None:
    found = command(run)
    assert found is not None
    assert (found.declined, found.install) == (None, run in INSTALLS)


@pytest.mark.parametrize(
    "run",
    [
        "dnf install $UNKNOWN",
        "dnf install $(cat list)",
        "dnf frobnicate",
        "dnf install --new-option git",
        "dnf install ./*.rpm",
        "dnf install pkgs/git",
        "dnf download git",
        "dnf shell script",
        "dnf --setopt=reposdir=/r in x",
        "dnf install --downloadonly git",
        "dnf --setopt=a.baseurl=file:///src in git",
        "dnf --installroot $R install git",
        "microdnf $UNKNOWN install git",
        "zypper install $UNKNOWN",
        "zypper frobnicate",
        "zypper ar dir:/src name",
        "zypper --pkg-cache-dir /p in git",
        "zypper -D /p in git",
        "pacman -S $UNKNOWN",
        "pacman -Sw git",
        "pacman -S -R git",
        "pacman -S --new-option",
        "pacman -S - < list",
        "pacman --cachedir /p -S git",
        "pacman -U *.zst",
    ],
)
def test_what_is_not_understood_is_not_guessed(run: str) -> None:
    found = command(run)
    assert found is not None
    assert found.declined is not None


@pytest.mark.parametrize(
    "run", ["sudo dnf install x", "rpm -i own.rpm", "echo pacman -S x", "pacman-key --recv-keys x"]
)
def test_other_programs_are_none_of_them(run: str) -> None:
    assert command(run) is None


@pytest.mark.parametrize(
    ("run", "path"),
    [
        ("dnf install -y ./own.rpm", "/src/own.rpm"),
        ("dnf -c own.conf install git", "/src/own.conf"),
        ("dnf config-manager --add-repo own.repo", "/src/own.repo"),
        ("dnf --repofrompath=own,/src/repo install git", "/src/repo"),
        ("dnf builddep -y own.spec", "/src/own.spec"),
        ("zypper -n in own.rpm", "/src/own.rpm"),
        ("zypper ar own.repo", "/src/own.repo"),
        ("zypper ar /src/repo name", "/src/repo"),
        ("pacman -U --noconfirm own.pkg.tar.zst", "/src/own.pkg.tar.zst"),
        ("pacman --config own.conf -Q", "/src/own.conf"),
    ],
)
def test_files_are_read(run: str, path: str) -> None:
    found = command(run)
    assert found is not None
    assert (path, True) in {(read.path, read.required) for read in found.reads}


@pytest.mark.parametrize(
    ("base", "run", "expected"),
    [
        ("fedora:41", "dnf install -y git && dnf clean all", f"dnf {KEEP} install -y git && dnf clean all"),
        ("company/base", "dnf -y upgrade", f"dnf {KEEP} -y upgrade"),
        ("fedora", "yum install -y git && rm -rf /var/cache/*", f"yum {KEEP} install -y git && rm -rf /var/cache/*"),
        ("quay.io/centos/centos:stream9", "yum install -y git", f"yum {KEEP} install -y git"),
        ("centos:8", "yum install -y git", f"yum {KEEP} install -y git"),
        ("example.org/ubi8-minimal", "microdnf install git", f"microdnf {KEEP} install git"),
        ("almalinux:8.10-minimal", "microdnf install git", f"microdnf {KEEP} install git"),
        ("oraclelinux:9-slim", "microdnf install git", f"microdnf {KEEP} install git"),
        ("amazonlinux:2023", "dnf install -y git", f"dnf {KEEP} install -y git"),
    ],
)
def test_packages_are_kept(base: str, run: str, expected: str) -> None:
    if "/var/cache/*" in run:
        assert "may remove" in refused(f"FROM {base}\nRUN {run}\n")
    else:
        assert kept(f"FROM {base}\nRUN {run}\n") == expected


@pytest.mark.parametrize(
    ("base", "program"),
    [
        ("centos:7", "yum"),
        ("centos", "yum"),
        ("amazonlinux:2", "yum"),
        ("amazonlinux", "yum"),
        ("oraclelinux:7", "yum"),
        ("oraclelinux:7-slim", "microdnf"),
        ("company/base", "yum"),
        ("company/base", "microdnf"),
        ("fedora:41", "microdnf"),
        ("ubi8/ubi-minimal:8.4", "microdnf"),
        ("ubi8/ubi-minimal@sha256:00", "microdnf"),
        ("ubi7/ubi", "yum"),
        ("oraclelinux:8-slim-20210101", "microdnf"),
        ("rockylinux:8.4-minimal", "microdnf"),
    ],
)
def test_programs_that_may_be_too_old(base: str, program: str) -> None:
    assert "is not known" in refused(f"FROM {base}\nRUN {program} install -y git\n")


@pytest.mark.parametrize(
    ("run", "premise"),
    [
        ("dnf -C install git", "works from the cache"),
        ("dnf --installroot=/r install git", "another root"),
        ("dnf -c /x install git", "another configuration"),
        ("dnf --setopt=keepcache=1 install git", "keepcache is set"),
        ("dnf install --new-option git", "--new-option is not known"),
        ("zypper install git", "does not go into a mount"),
    ],
)
def test_premises(run: str, premise: str) -> None:
    assert premise in refused(f"FROM fedora:41\nRUN {run}\n")


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("pacman -Syu --noconfirm git", "pacman -Syu --noconfirm git"),
        ("pacman -Sy git && pacman -Sc --noconfirm", "pacman -Sy git"),
        ("pacman -Syu git && rm -rf /var/cache/pacman/pkg/*", "pacman -Syu git"),
    ],
)
def test_pacmans_own_directory_is_mounted(run: str, expected: str) -> None:
    assert kept(f"FROM archlinux:latest\nRUN {run}\n") == expected


@pytest.mark.parametrize(
    ("before", "run", "premise"),
    [
        ("COPY pacman.conf /etc/", "pacman -S git", "may be changed"),
        ("WORKDIR /etc\nCOPY . .", "pacman -S git", "may be changed"),
        ("RUN echo >> /etc/pacman.d/mirrorlist", "pacman -S git", "may be changed"),
        ("RUN pacman-key --recv-keys x", "pacman -S git", "may be changed"),
        ("", "pacman -S git && pacman -U https://example.org/x.pkg.tar.zst", "packages are files"),
        ("", "pacman -r /r -S git", "directories are moved"),
        ("", "pacman -S git && yes | pacman -Scc", "cannot be taken out"),
    ],
)
def test_pacmans_premises(before: str, run: str, premise: str) -> None:
    assert premise in refused(f"FROM archlinux:latest\n{before}\nRUN {run}\n")


def test_a_program_may_add_a_repository() -> None:
    (proposal,) = outcomes("FROM archlinux:latest\nRUN ./setup\nRUN pacman -S git\n")
    assert isinstance(proposal, Proposal)
    assert proposal.tier == Tier.REVIEW


def test_a_run_may_be_added_to_one_that_keeps_its_packages() -> None:
    text = f"FROM fedora:41\nRUN --mount=type=cache,target=/var/cache/dnf-rpms dnf {KEEP} install -y git\n"
    assert outcomes(text) == []
    assert kept(text + "RUN dnf install -y make\n") == f"dnf {KEEP} install -y make"
