"""Runs git to read a repository: it writes nothing, starts no program of the repository's settings, fetches nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# What may point git at another repository than the directory's own.
_PLACE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
_QUIET = ("--no-pager", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false")
_TIMEOUT = 60


def git(directory: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Return what git prints in `directory`; raises OSError or subprocess.SubprocessError."""
    environment = {name: value for name, value in os.environ.items() if name not in _PLACE}
    environment |= {"GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", *_QUIET, "-C", str(directory), *arguments]
    done = subprocess.run(command, env=environment, input=stdin, capture_output=True, check=True, timeout=_TIMEOUT)
    return done.stdout
