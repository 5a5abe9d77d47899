"""R: ``install.packages`` of packages by name; renv is recognised and left alone.

Facts: R's documentation (Startup, install.packages), renv's Docker vignette: R reads .Renviron, .Rprofile and .RData of
the working directory before anything else; renv's project library is made of links into its cache, so that the cache
is part of what the program runs (class C).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from ..build.build import View
from ..build.runs import Step
from ..model import Declined, proved
from . import CachePlace, Command, Read, Tool, Write, cleans_nothing, no_cache, no_clean, no_fetch

NAME = "r"
IGNORE = "r"
TOOLS = (
    Tool(
        "install.packages",
        "R",
        (),
        (),
        ("R -e 'install.packages(…)'", "Rscript -e 'install.packages(…)'"),
        (),
        "R's documentation of Startup and install.packages",
    ),
    Tool(
        "renv",
        "R",
        ("renv.lock",),
        ("renv.lock",),
        ("R -e 'renv::restore()'",),
        (CachePlace("~/.cache/R/renv", "C", "the project's library links into it", "RENV_PATHS_CACHE"),),
        "renv's Docker vignette",
    ),
)
INSTALLING = re.compile(r"\brenv::(?:restore|install)\b")
CONFIGURES = re.compile(r"\bRprofile\b|\bRenviron\b")

_STRING = r"(?:\"[^\"\\$`]*\"|'[^'\\$`]*')"
_OPTION = rf"(?:repos|dependencies|Ncpus|quiet|clean|type|INSTALL_opts) *= *(?:{_STRING}|TRUE|FALSE|T|F|NA|\d+L?)"
_CALL = re.compile(
    rf"(?:utils::)?install\.packages\( *(?:pkgs *= *)?(?P<names>{_STRING}|c\( *{_STRING}(?: *, *{_STRING})* *\))"
    rf"(?P<options>(?: *, *{_OPTION})*) *\)|options\( *{_OPTION}(?: *, *{_OPTION})* *\)"
)
_SWITCHES = frozenset("-q -s --quiet --silent --slave --no-echo --no-save --no-restore --no-environ --verbose".split())


def _program(step: Step) -> tuple[list[str], set[str]] | None:
    """Return the expressions of R or Rscript, and its options; None if it is given a file or what is not known."""
    texts, options = [], set()
    words = list(step.words[1:])
    while words:
        word = words.pop(0)
        if word in ("-e", "--vanilla") or word in _SWITCHES:
            if word == "-e":
                text = words.pop(0) if words else None
                if text is None:
                    return None
                texts.append(text)
            else:
                options.add(str(word))
        else:
            return None
    return texts, options


def recognise(step: Step, view: View) -> Command | None:
    """Return what R does with the expressions of its command line."""
    if step.program not in ("R", "Rscript"):
        return None
    if step.words[1:] == ("--version",):
        return Command(NAME, "R")
    installs = any("install.packages" in (word or "") or "renv::restore" in (word or "") for word in step.words)
    found = _program(step)
    try:
        if found is None or not found[0]:
            raise Declined("what it runs is a program of the project's choice")
        texts, options = found
        if any("renv::" in text for text in texts):
            raise Declined("renv's library links into its cache, and .Rprofile decides what it reads")
        return _install(step, view, texts, options)
    except Declined as declined:
        return Command(NAME, str(step.program), installs, declined=declined, project=found is None)


def _install(step: Step, view: View, texts: list[str], options: set[str]) -> Command:
    for text in texts:
        parts = [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]
        for part in parts:
            match = _CALL.fullmatch(part)
            if match is None:
                raise Declined(f"what `{part}` reads is not known")
            if re.search(r"[\"']file:|[\"'][^\"']*/[^\"']*[\"']", match["names"] or "") or "file:" in part:
                raise Declined("a package is installed from a file")
    writes = [Write(path, "R installs packages", local=False) for path in ("/usr/local/lib/R", "/usr/lib/R")]
    home = step.env.get("HOME") or "/root"
    writes.append(Write(posixpath.join(home, "R"), "R keeps a user's packages", local=False))
    for name, value in step.env.items():
        if name.startswith(("R_PROFILE", "R_ENVIRON", "R_LIBS", "RENV_")) and value != "":
            raise Declined(f"{name} makes R read more")
    reads = () if "--vanilla" in options else tuple(_startup(step, view, home))
    proof = proved("R installs packages by their names", "the expression holds nothing else")
    return Command(NAME, "install.packages", True, reads, tuple(writes), proof=(proof,), strangers=True)


def _startup(step: Step, view: View, home: str) -> Iterator[Read]:
    """Yield the files that R reads first; raises Declined where they are the project's, and so could be any program."""
    if step.cwd is None:
        raise Declined("the directory that R runs in is not known")
    for directory in (step.cwd, home):
        for name in (".Rprofile", ".Renviron", ".RData"):
            path = posixpath.join(directory, name)
            if view.exists(path):
                raise Declined(f"R runs {name} of the project first", view.place(path))
            yield Read(path, "R reads it first")


cache = no_cache
cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
