"""The options that commands share, and what becomes of them: how to build, which settings to overrule."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .errors import UsageError
from .settings import check_names, did_you_mean

if TYPE_CHECKING:
    from .proving import ProofOptions


def names(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Take an option that may be repeated and holds names with commas between."""
    return tuple(name for value in values for name in map(str.strip, value.split(",")) if name)


def _all(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return one decorator for several options."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


# Which Dockerfiles and rewrites, and how to show them.
CHOOSING = _all(
    click.argument("paths", nargs=-1, metavar="[PATH]..."),
    click.option(
        "--context",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False),
        help="The build context. Default: what a compose file, workflow or Makefile says, else the Dockerfile's place.",
    ),
    click.option("--select", multiple=True, metavar="NAME,...", callback=names, help="Run only these rewrites."),
    click.option("--ignore", multiple=True, metavar="NAME,...", callback=names, help="Do not run these rewrites."),
    click.option(
        "--review/--no-review",
        default=None,
        help="Also apply what rests on an assumption, or changes the image on purpose.",
    ),
    click.option(
        "--mounts/--no-mounts",
        default=None,
        help="Use cache mounts, or clean what they would keep.",
    ),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the output."),
    click.option("-q", "--quiet", is_flag=True, help="Print only the changes, or the verdicts."),
    click.option("-v", "--verbose", is_flag=True, help="Print the proof of every change, or every difference."),
)
# How to build, for all commands that may.
BUILDING = _all(
    click.option(
        "--engine",
        type=click.Choice(["docker", "podman"]),
        help="What builds. Default: docker, else podman.",
    ),
    click.option("--builder", default="", metavar="NAME", help="Build with this builder of buildx's."),
    click.option("--isolated", is_flag=True, help="Build in a builder made for this and removed afterwards."),
    click.option(
        "--driver-opt",
        multiple=True,
        metavar="KEY=VALUE",
        help="For that builder, as for docker buildx create.",
    ),
    click.option("--buildkitd-config", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="The same."),
    click.option("--network", default="", metavar="MODE", help="The network of the RUN instructions: none, host."),
    click.option("--secret", multiple=True, metavar="SECRET", help="A secret for the build, as docker build takes it."),
    click.option("--ssh", multiple=True, metavar="SSH", help="An SSH agent for the build, as docker build takes it."),
    click.option("--build-arg", multiple=True, metavar="NAME=VALUE", help="A build argument; may be repeated."),
    click.option("--platform", default="", metavar="PLATFORM", help="The platform to build for."),
    click.option("--target", default="", metavar="STAGE", help="The stage to build."),
)


def proof_options(building: dict[str, Any], color: str, *, quiet: bool) -> ProofOptions:
    """Return how to build, from the options that `fix` and `verify` share."""
    from .proving import ProofOptions
    from .report import colour
    from .verify.engine import BuildOptions

    arguments = {}
    for pair in building["build_arg"]:
        name, equals, value = pair.partition("=")
        # As docker build: a name alone takes its value from the environment, and nothing if it is not set there.
        if equals or name in os.environ:
            arguments[name] = value if equals else os.environ[name]
    return ProofOptions(
        build=BuildOptions(
            target=building["target"],
            platform=building["platform"],
            network=building["network"],
            build_args=arguments,
            secrets=building["secret"],
            ssh=building["ssh"],
        ),
        engine=building["engine"] or "",
        builder=building["builder"],
        isolated=building["isolated"],
        driver_options=building["driver_opt"],
        buildkitd_config=building["buildkitd_config"] or "",
        progress=not quiet and colour.wanted(color, sys.stderr, os.environ) and sys.stderr.isatty(),
    )


def chosen_scenarios(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scenarios to measure, all of them if none is named."""
    from .verify.edits import NAMES

    if given == ("none",):
        return ()
    for name in given:
        if name not in NAMES:
            raise UsageError(f"--scenario: there is no scenario named {name!r}", hint=did_you_mean(name, NAMES))
    return given or NAMES


def settings_flags(
    select: tuple[str, ...], ignore: tuple[str, ...], context: str | None, review: bool | None, mounts: bool | None
) -> dict[str, object]:
    """Return the settings that were given, to stand in for those of the configuration file."""
    check_names("--select", select)
    check_names("--ignore", ignore)
    flags: dict[str, object] = {}
    if select or ignore:
        # Also for --select alone: who asks for a rewrite by name means it, whatever the file ignores.
        flags["ignore"] = ignore
    if select:
        flags["select"] = select
    if context is not None:
        flags["context"] = context
    if review is not None:
        flags["review"] = review
    if mounts is not None:
        flags["mounts"] = mounts
    return flags
