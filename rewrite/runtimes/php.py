"""PHP: the project with its vendor directory and the extensions that were built, on the php image that built them.

Facts: the php image's Dockerfiles (docker-php-ext-install and pecl leave their results in lib/php/extensions and
etc/php/conf.d of /usr/local; the compiler stays in Debian's images, so that only composer, git, unzip and development
packages are saved); Composer's documentation. Where the library behind a development package is not known, the package
itself is installed again, as its library is the one that was linked.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .. import ecosystems
from ..build import effects
from ..build.paths import inside
from ..build.runs import Run, Step
from ..build.secrets import is_secret
from ..ecosystems import Command
from ..model import Declined, Obligation, Place, assumed
from . import COMPLETE, Carried, Runtime
from ._bases import Reference, reference
from ._candidate import Candidate
from ._distribution import ALPINE, DEBIAN, Distribution, account_known, installed, library, needed, tools
from ._files import Project
from ._kept import kept, may_go_whole

NAME = "php"

_SOURCES = re.compile(r"\.(?:php|phtml|inc)\Z")
_BUILD_ONLY = re.compile(r"COMPOSER_\w+|DEBIAN_FRONTEND")
_OWN = frozenset("php php-fpm apache2-foreground apache2ctl apachectl docker-php-entrypoint curl".split())
_EXTENSIONS = ("/usr/local/lib/php/extensions", "/usr/local/etc/php/conf.d")
_BUILDERS = frozenset("docker-php-ext-install docker-php-ext-configure docker-php-ext-enable pecl".split())
# Packages that composer unpacks its archives with.
_UNPACKING = frozenset({"unzip", "zip", "p7zip-full", "7zip"})
_STARTS = re.compile(r"\b(?:exec|shell_exec|passthru|proc_open|popen|system)\(|\bnew Process\(|\bProcess::")


def plan(candidate: Candidate) -> Runtime | None:
    """Return the runtime of a PHP program; None where composer installs nothing."""
    image = reference(candidate.stage)
    if image.name != "php" or not candidate.stage.base.official:
        return None
    program = _PHP(candidate, image)
    return program.runtime() if program.installs else None


@dataclass(frozen=True)
class _PHP:
    candidate: Candidate
    image: Reference

    @cached_property
    def commands(self) -> tuple[tuple[Run, Step, Command], ...]:
        """The commands of composer."""
        view, stage = self.candidate.build.view, self.candidate.stage
        found = (
            (run, step, ecosystems.recognise(step, view(stage, run.instruction))) for run, step in self.candidate.steps
        )
        return tuple((run, step, one) for run, step, one in found if one and one.ecosystem == "composer")

    @property
    def installs(self) -> bool:
        """Whether composer installs something."""
        return any(one.install for _, _, one in self.commands)

    def runtime(self) -> Runtime:
        """Return the final stage; raises Declined."""
        candidate = self.candidate
        base = candidate.stage.from_.words[0].text
        distribution = ALPINE if self.image.alpine else DEBIAN
        if "@" in base or any("del" in step.words for _, step in candidate.steps if step.program == "apk"):
            raise Declined("the packages of the build are taken away again, or the image is pinned")
        outputs = tuple(self._outputs())
        others = (*candidate.made(self._mine), *candidate.brought())
        self._unchanged()
        account_known(candidate, distribution)
        found = self.project.find(_STARTS)
        if found:
            raise Declined("the program starts others, which the image may no longer have", found[1])
        for _, source in self.project.files():
            if is_secret(candidate.build.context, source):
                raise Declined("the program may read it, which may hold secrets", Place(source))
        data = tuple(path for path in kept(self.project) if not any(inside(path, one) for one in outputs))
        built = _EXTENSIONS if any(step.program in _BUILDERS for _, step in candidate.steps) else ()
        composers = {path for path in others if posixpath.basename(path) == "composer"}
        carried = dict.fromkeys((*built, *outputs, *data, *(path for path in others if path not in composers)))
        system = (
            *needed(candidate, distribution, _OWN),
            *installed(candidate, distribution, False, _UNPACKING),
            *self._libraries(distribution),
        )
        return Runtime(
            f"the PHP program on {base} without composer and the packages of the build",
            base,
            distribution,
            tuple(Carried(path) for path in carried),
            tuple(sorted(set(system))),
            lines=tuple(self._configuring()),
            whole=(self.project.home,) if may_go_whole(self.project) else (),
            build_only=_BUILD_ONLY,
            proof=tuple(self._proof(outputs)),
        )

    def _libraries(self, distribution: Distribution) -> Iterator[str]:
        for name in tools(self.candidate):
            if re.search(r"-dev\Z", name) and name not in ("libc-dev", "musl-dev", "libc6-dev"):
                yield library(distribution, name) or name

    def _mine(self, run: Run, step: Step) -> bool:
        """Judge composer, the image's own commands for extensions, and what is done in the final stage again."""
        if any(step is mine for _, mine, _ in self.commands) or step.program in _BUILDERS:
            return True
        return self._configures(run)

    @staticmethod
    def _configures(run: Run) -> bool:
        """Tell whether a RUN only switches Apache's modules on and off."""
        return bool(run.steps) and all(step.program in ("a2enmod", "a2dismod") for step in run.steps)

    def _configuring(self) -> Iterator[str]:
        source = self.candidate.build.dockerfile.source
        for run in self.candidate.runs:
            if self._configures(run):
                yield source(run.instruction.span).replace("\r\n", "\n").rstrip("\n")

    @cached_property
    def project(self) -> Project:
        """The project's files, in the directory that composer runs in."""
        homes = self.candidate.homes
        places = {step.cwd for _, step, one in self.commands if one.install}
        home = next(iter(places)) if len(places) == 1 else None
        if home is None or home not in homes or home.startswith("%"):
            raise Declined("the project does not lie in a directory of its own")
        if any(not inside(other, home) for other in homes if not inside("/var/www/html", other)):
            raise Declined("the project lies in more than one directory")
        return Project(self.candidate, home, self.candidate.stage.end.workdir or "/", _SOURCES)

    def _outputs(self) -> Iterator[str]:
        """Yield what composer writes in the project; raises Declined where that is not known."""
        for run, step, command in self.commands:
            place = self.candidate.build.step_place(run, step)
            if {"dump-autoload", "dumpautoload"} & set(step.words):
                manifest = self.candidate.read(f"{self.project.home}/composer.json")
                if manifest is None or ("autoload-dump" in manifest and "--no-scripts" not in step.words):
                    raise Declined("what the scripts around the autoloader write is not known", place)
                continue  # it only writes in the vendor directory
            if command.declined:
                raise Declined(command.declined.premise, command.declined.because or place)
            if command.project:
                raise Declined(f"what {command.title} writes is not known", place)
            for one in command.writes:
                if inside(one.path, self.project.home):
                    if one.path == self.project.home:
                        raise Declined(f"what {command.title} writes is not known", place)
                    yield one.path

    def _unchanged(self) -> None:
        """Raise Declined for a RUN that changes the project in another way."""
        for run, step in self.candidate.steps:
            effect = effects.effect(step)
            if effect is None or any(step is mine for _, mine, _ in self.commands):
                continue
            adjusts = step.program in ("chown", "chgrp") or run.instruction in self.candidate.setup
            if not adjusts and any(inside(path, self.project.home) for path in effect.writes):
                place = self.candidate.build.step_place(run, step)
                raise Declined(f"`{step.program}` changes the project after it was copied", place)

    def _proof(self, outputs: tuple[str, ...]) -> Iterator[Obligation]:
        run, step, _ = next(one for one in self.commands if one[2].install)
        where = self.candidate.build.step_place(run, step)
        listed = ", ".join(outputs)
        yield assumed(
            COMPLETE,
            f"all files but secrets, version control and documents go along, and what composer makes: {listed}",
            where,
        )
        yield assumed("no package starts composer, git or unzip", "what the packages start is not known", where)
