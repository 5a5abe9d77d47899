"""cargo's command lines and configuration files.

Facts: The Cargo Book, "cargo build", "cargo clean", "Configuration"; cargo's ``config.toml`` is looked for in the
directory and all above it, and then in CARGO_HOME.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..build.build import View
from ..build.options import arguments
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined
from . import Read

# Of a build's options: those that choose what is built, and those that a clean has to be given as well.
_SWITCH_NAMES = """
-r -v -vv -q -f --release --locked --workspace --all --lib --bins --all-features --no-default-features --verbose --quiet
--keep-going --timings --ignore-rust-version --force --offline --frozen --debug --all-targets --examples --tests
--benches --no-run --no-fail-fast --doc --future-incompat-report --no-track
"""
_VALUED_NAMES = """
-p -F -j -Z --package --exclude --bin --example --test --bench --features --target --target-dir --manifest-path --jobs
--profile --color --message-format --config --path --root --version --vers --git --branch --tag --rev --registry
--index --recipe-path --artifact-dir --out-dir
"""
_SWITCHES = frozenset(_SWITCH_NAMES.split())
_VALUED = frozenset(_VALUED_NAMES.split())
# Targets that have a standard library with an operating system below it, for which an empty program links.
_HOSTED = re.compile(r"(?:x86_64|aarch64|i686|armv7|arm)-unknown-linux-(?:gnu|musl)(?:eabi|eabihf)?")
_CLEANED = ("--profile", "--target", "--target-dir", "--manifest-path")


@dataclass(frozen=True, slots=True)
class Line:
    """A cargo command line; `toolchain` is ``+NAME`` or "", `options` hold the last value of each."""

    toolchain: str
    subcommand: str
    operands: tuple[str, ...]
    options: Mapping[str, str]
    packages: tuple[str, ...]

    @property
    def title(self) -> str:
        """The command as a person would name it."""
        return f"cargo {self.subcommand}".strip()

    def has(self, *names: str) -> bool:
        """Tell whether one of these options is given."""
        return any(name in self.options for name in names)

    @property
    def released(self) -> bool:
        """Whether it builds with the profile `release`."""
        return self.has("-r", "--release") or self.subcommand == "install"

    def cleaning(self, names: list[str]) -> str:
        """Return the command that removes what was built of the packages `names`, and of nothing else."""
        words = ["cargo", *([self.toolchain] if self.toolchain else []), "clean"]
        words += ["--release"] if self.released and not self.has("--profile") else []
        for option in _CLEANED:
            if option in self.options:
                words += [option, self.options[option]]
        return " ".join([*words, *(f"-p {name}" for name in names)])


def read_line(step: Step) -> Line | None:
    """Return what a cargo command says, None if `step` is not one; raises Declined."""
    if step.program != "cargo":
        return None
    at = 1
    toolchain = step.words[1] or "" if len(step.words) > 1 and (step.words[1] or "").startswith("+") else ""
    at += bool(toolchain)
    subcommand = step.words[at] if len(step.words) > at else ""
    if subcommand == "chef":
        at += 1
        subcommand = f"chef {step.words[at] if len(step.words) > at else ''}".strip()
    if subcommand is None or subcommand.startswith("-"):
        return Line(toolchain, "" if subcommand in ("--version", "-V") else "…", (), {}, ())
    found = arguments(step.words, at + 1, _SWITCHES, _VALUED)
    options = {argument.option: argument.value for argument in found if argument.option}
    packages = tuple(argument.value for argument in found if argument.option in ("-p", "--package"))
    operands = tuple(argument.value for argument in found if not argument.option)
    return Line(toolchain, subcommand, operands, options, packages)


def hosted(target: str) -> bool:
    """Tell whether an empty program can be linked for a target."""
    return _HOSTED.fullmatch(target) is not None


def cargo_home(step: Step) -> str:
    """Return CARGO_HOME's image path; raises Declined if it is not known."""
    for name, tail in (("CARGO_HOME", ""), ("HOME", "/.cargo")):
        value = step.env.get(name, "")
        if value is None or (value and not value.startswith("/")):
            raise Declined(f"{name} is not a path that is known")
        if value:
            return posixpath.normpath(value + tail)
    raise Declined("HOME is not known, and with it where cargo keeps what it downloads")


def configurations(step: Step, directory: str) -> Iterator[str]:
    """Yield where cargo and rustup look for their settings, for a command in `directory`."""
    here = directory
    while True:
        yield from (posixpath.join(here, name) for name in (".cargo/config.toml", ".cargo/config"))
        yield from (posixpath.join(here, name) for name in ("rust-toolchain.toml", "rust-toolchain"))
        parent = posixpath.dirname(here)
        if parent in (here, ""):
            break
        here = parent
    yield from (posixpath.join(cargo_home(step), name) for name in ("config.toml", "config", "credentials.toml"))


def configuration_reads(step: Step, directory: str) -> tuple[Read, ...]:
    """Return the settings that cargo and rustup may read, and git's, wherever they lie."""
    home = step.env.get("HOME") or "/root"
    git = [f"{home}/.gitconfig", f"{home}/.config/git", f"{home}/.netrc", f"{home}/.ssh"]
    return tuple(Read(path, "cargo's, rustup's or git's settings") for path in (*configurations(step, directory), *git))


def settings(step: Step, view: View, directory: str) -> dict[str, Any]:
    """Return what the context's configuration files say, the nearest first; raises Declined for what reads more."""
    found: dict[str, Any] = {}
    for path in configurations(step, directory):
        if not view.exists(path) or "credentials" in path:
            continue
        text = view.read(path)
        try:
            table = tomllib.loads(text or "") if path.endswith(".toml") or "config" in path else {}
        except tomllib.TOMLDecodeError:
            table = None
        if text is None or table is None:
            raise Declined(f"{path} cannot be read", view.place(path))
        reason = _reads_more(table)
        if reason:
            raise Declined(reason, view.place(path))
        found = {**table, **found}
    return found


def _reads_more(table: Mapping[str, Any]) -> str:
    """Return why a configuration makes cargo read or write what is not followed, "" if it does not."""
    for name in ("source", "paths", "patch", "unstable", "include"):
        if name in table:
            return f"[{name}] in cargo's settings is not followed"
    build, toolchain = table.get("build", {}), table.get("toolchain", {})
    targets = list(table.get("target", {}).values()) if isinstance(table.get("target", {}), dict) else []
    programs = [one.get(name) for one in [build, *targets] for name in ("linker", "rustc-wrapper", "rustc", "runner")]
    if any("/" in str(program) and not str(program).startswith("/") for program in programs):
        return "cargo's settings name a program of the project"
    if "target-dir" in build or "path" in toolchain:
        return "the place of the target directory, or of the toolchain, is moved by settings"
    target = build.get("target")
    if target is not None and not (isinstance(target, str) and hosted(target)):
        return f"an empty program may not link for {target}"
    flags = [build.get("rustflags", ""), *(one.get("rustflags", "") for one in targets)]
    return _denied(" ".join(" ".join(flag) if isinstance(flag, list) else str(flag) for flag in flags))


def _denied(flags: str) -> str:
    """Return why an empty crate may not compile or link with `flags`, "" if it does."""
    if re.search(r"-[DF]|--deny|--forbid", flags):
        return "rustc's flags deny warnings, which an empty crate may cause"
    return "rustc's flags name a file" if re.search(r"/|-T|\.x\b|\.ld\b", flags) else ""


def no_denials(step: Step) -> None:
    """Decline if RUSTFLAGS may make an empty crate fail."""
    for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS"):
        value = step.env.get(name, "")
        if value is None or (reason := _denied(value)):
            raise Declined(f"{name}: {reason if value else 'its value is not known'}")


def working_directory(step: Step, line: Line) -> str:
    """Return the directory in which cargo looks for its manifest; raises Declined if it is not known."""
    given = line.options.get("--path") or posixpath.dirname(line.options.get("--manifest-path", "")) or "."
    directory = join(step.cwd, given)
    if directory is None:
        raise Declined("the directory that cargo works in is not known")
    return directory


def target_directory(step: Step, line: Line, root: str) -> str:
    """Return the target directory's image path; raises Declined if it is not known."""
    value = (
        line.options.get("--target-dir")
        or step.env.get("CARGO_TARGET_DIR", "")
        or step.env.get("CARGO_BUILD_TARGET_DIR", "")
    )
    path = None if value is None else join(step.cwd, value) if value else posixpath.join(root, "target")
    if path is None:
        raise Declined("where cargo builds is not known")
    return path
