"""What a conda environment file and a list of packages ask for.

Facts: conda's documentation (managing environments, ``--file``) and micromamba's: the ``pip`` section of an environment
file is a requirements file, and pip runs in the file's directory; a list of packages holds specifications or, behind
``@EXPLICIT``, addresses.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from ..build.build import View
from ..model import Declined
from . import Read
from ._requirements import Reader, entries, is_remote

_LOCAL = re.compile(r"\bfile:|(?:^|[\s\"'])(?:\.{1,2}/|/|~)")


def environment_file(path: str, reader: Reader) -> None:
    """Add what creating an environment from the file at an image path reads; raises Declined."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    view = reader.view
    text, place = view.read(path), view.place(path)
    if text is None:
        raise Declined(f"{path} is not a file of the build context, or no longer as it was copied")
    try:
        data = YAML(typ="safe").load(text)
    except YAMLError:
        raise Declined("it cannot be read", place) from None
    if not isinstance(data, dict) or not isinstance(data.get("dependencies", []), list):
        raise Declined("it is no environment file", place)
    reader.reads.append(Read(path, "the environment file", required=True))
    for channel in data.get("channels") or ():
        _remote(str(channel), view, path)
    for wanted in data.get("dependencies") or ():
        if isinstance(wanted, str):
            _remote(wanted, view, path)
        elif isinstance(wanted, dict) and set(wanted) == {"pip"}:
            _pip(wanted["pip"] or (), posixpath.dirname(path), reader, path)
        else:
            raise Declined("it has dependencies of a kind that is not known", place)


def _remote(value: str, view: View, path: str) -> None:
    if _LOCAL.search(value):
        raise Declined(f"{value} is in the tree", view.place(path))


def _pip(lines: Iterable[object], directory: str, reader: Reader, path: str) -> None:
    """Take the lines of a ``pip`` section, whose paths start at the directory of its file."""
    inner = Reader(reader.view, directory, reader.env)
    try:
        for line in lines:
            for kind, value in entries(str(line), reader.env):
                inner.take(kind, value, directory)
    except Declined as declined:
        raise Declined(declined.premise, declined.because or reader.view.place(path)) from None
    reader.reads += inner.reads
    reader.writes += inner.writes
    reader.proof += inner.proof
    reader.environment = reader.environment or inner.environment


def package_list(path: str, reader: Reader) -> None:
    """Add what installing the packages listed in the file at an image path reads; raises Declined."""
    text = reader.view.read(path)
    if text is None:
        raise Declined(f"{path} is not a file of the build context, or no longer as it was copied")
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.partition("#")[0].strip()
        if bare and not is_remote(bare) and _LOCAL.search(bare):
            raise Declined(f"{bare} is in the tree", reader.view.place(path, number))
    reader.reads.append(Read(path, "it lists packages", required=True))
