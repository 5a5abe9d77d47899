"""Runs the command-line client of an engine, ``docker`` or ``podman``."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .engine import EngineError

ANSWER_SECONDS = 20
# How long a client may take to end whose output could not be read.
ENDING_SECONDS = 1


def call(client: str, *arguments: str, seconds: float | None = None) -> str:
    """Run a client and return its output; raise `EngineError` with its message, or if it is silent for `seconds`."""
    command = [client, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", timeout=seconds)
    except subprocess.TimeoutExpired as silent:
        raise EngineError(f"{Path(client).name} did not answer within {seconds:g} s") from silent
    if done.returncode:
        raise _failed(client, arguments, done.stderr)
    return done.stdout


def succeeds(client: str, *arguments: str) -> bool:
    """Run a client for its exit code alone."""
    return subprocess.run([client, *arguments], capture_output=True).returncode == 0


@contextmanager
def streamed(client: str, *arguments: str) -> Iterator[IO[bytes]]:
    """Yield what a client prints while it runs; raise `EngineError` with its message if it fails in the end."""
    with subprocess.Popen([client, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            yield process.stdout
            process.stdout.read()
        except Exception as error:
            # What cannot be read is often the little that a client prints before it fails, and it says why.
            with suppress(subprocess.TimeoutExpired):
                process.wait(ENDING_SECONDS)
            if process.poll():
                raise _failed(client, arguments, process.stderr.read().decode("utf-8", "replace")) from error
            process.kill()
            raise
        except BaseException:
            process.kill()
            raise
        message = process.stderr.read().decode("utf-8", "replace")
    if process.returncode:
        raise _failed(client, arguments, message)


def _failed(client: str, arguments: tuple[str, ...], message: str) -> EngineError:
    return EngineError(f"{Path(client).name} {arguments[0]}: {message.strip() or 'it failed without a message'}")
