"""Each check of ``docker build --check``: a Dockerfile that raises it, and what dockerfix makes of that.

What is fixed is gone after ``--write --review``; what is not is told as advice. The builder has one check more,
InvalidBaseImagePlatform, which only a registry can tell of: see test_resolving_engine.py.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rewrite.fix import Request, fix_files
from rewrite.model import Result, Tier
from rewrite.settings import Settings
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

BASE = "debian:bookworm-slim"
FROM = f"FROM {BASE}\n"


@dataclass(frozen=True)
class Raises:
    """A Dockerfile that raises a check, and the rewrite that deals with it; `advice`: there is nothing to edit."""

    rule: str
    rewrite: str
    text: str
    advice: bool = False
    files: dict[str, str] = field(default_factory=dict)


CASES = (
    Raises("StageNameCasing", "stage-names", f"FROM {BASE} AS Base\nFROM base\n"),
    Raises("FromAsCasing", "legacy-syntax", f"FROM {BASE} as base\n"),
    Raises("NoEmptyContinuation", "empty-continuation", FROM + "RUN echo a && \\\n\n    echo b\n"),
    Raises("ConsistentInstructionCasing", "instruction-casing", FROM + "run echo a\n"),
    Raises("DuplicateStageName", "stage-names", f"FROM {BASE} AS a\nFROM {BASE} AS a\n", advice=True),
    Raises("ReservedStageName", "stage-names", f"FROM {BASE} AS context\n", advice=True),
    Raises("JSONArgsRecommended", "legacy-syntax", FROM + "CMD sleep 5\n"),
    Raises("MaintainerDeprecated", "legacy-syntax", FROM + "MAINTAINER Jane Doe\n"),
    Raises("UndefinedArgInFrom", "undefined-variables", FROM + "FROM debian:bookworm-slim$EXTRA\n", advice=True),
    Raises("WorkdirRelativePath", "absolute-workdir", FROM + "WORKDIR app\n"),
    Raises("UndefinedVar", "undefined-variables", FROM + "LABEL a=$NOTHING\n", advice=True),
    Raises("MultipleInstructionsDisallowed", "overridden-instructions", FROM + 'CMD ["a"]\nCMD ["b"]\n'),
    Raises("LegacyKeyValueFormat", "legacy-syntax", FROM + "ENV A b\n"),
    Raises("RedundantTargetPlatform", "platform-flag", f"FROM --platform=$TARGETPLATFORM {BASE}\n"),
    Raises("SecretsUsedInArgOrEnv", "secret-mounts", FROM + "ARG API_TOKEN\nRUN echo $API_TOKEN\n"),
    Raises(
        "InvalidDefaultArgInFrom", "undefined-variables", f"ARG TAG\nFROM {BASE} AS a\nFROM debian:$TAG\n", advice=True
    ),
    Raises("FromPlatformFlagConstDisallowed", "platform-flag", f"FROM --platform=linux/amd64 {BASE}\n", advice=True),
    Raises(
        "CopyIgnoredFile",
        "copy-ignored",
        "# check=experimental=all\n" + FROM + "COPY a /a\n",
        advice=True,
        files={"a": "", ".dockerignore": "a\n"},
    ),
    Raises(
        "InvalidDefinitionDescription",
        "stray-description",
        f"# check=experimental=all\n# anything\nFROM {BASE} AS base\n",
    ),
    Raises("ExposeProtoCasing", "exposed-ports", FROM + "EXPOSE 53/UDP\n"),
    Raises("ExposeInvalidFormat", "exposed-ports", FROM + "EXPOSE 8080:80\n"),
)


def warned(engine: Docker, project: Path) -> set[str]:
    """Return the rules of which the builder's own frontend warns; a ``# syntax`` line would have to be pulled."""
    dockerfile = project / "Dockerfile"
    dockerfile.write_text(re.sub(r"\A# syntax=.*\n", "", dockerfile.read_text()))
    command = [engine.client, "buildx", "build", "--call=check,format=json", str(project)]
    done = subprocess.run(command, capture_output=True, text=True)
    # Where the build cannot be planned, the text of the error follows.
    report, _ = json.JSONDecoder().raw_decode(done.stdout)
    return {warning["ruleName"] for warning in report["warnings"] or ()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_each_check_is_fixed_or_passed_on(
    engine: Docker, need_images: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Raises
) -> None:
    need_images(BASE)
    for name, text in {"Dockerfile": case.text, **case.files}.items():
        (tmp_path / name).write_text(text)
    before = warned(engine, tmp_path)
    assert case.rule in before
    monkeypatch.chdir(tmp_path)
    (result,) = fix_files([Request(Path("Dockerfile"), None, "Dockerfile")], lambda path: Settings(review=True))
    assert isinstance(result, Result)
    advised = {proposal.rewrite for proposal in result.offered if proposal.tier == Tier.ADVICE}
    assert (case.rewrite in advised) == case.advice
    for change in result.changes:
        Path(change.path).write_text(change.after)
    after = warned(engine, tmp_path)
    assert after <= before
    assert case.advice or case.rule not in after


def test_what_is_exposed_stays(engine: Docker, need_images: Callable[..., None], tmp_path: Path) -> None:
    """What the builder makes of a host's port and of a protocol in capitals is what is written instead."""
    need_images(BASE)
    shown = []
    for ports in ("8080:80 127.0.0.1:81:82/TCP 53-54/Udp", "80 82/tcp 53-54/udp"):
        (tmp_path / "Dockerfile").write_text(f"{FROM}EXPOSE {ports}\n")
        command = [engine.client, "build", "--quiet", str(tmp_path)]
        image = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        inspect = [engine.client, "image", "inspect", "--format={{json .Config.ExposedPorts}}", image]
        shown.append(subprocess.run(inspect, capture_output=True, text=True, check=True).stdout)
        subprocess.run([engine.client, "rmi", "--force", image], capture_output=True)
    assert shown[0] == shown[1]
