"""Which files of a project go along where sources are run as they are: all that may be of use to them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from ..build.paths import inside
from ..build.secrets import is_secret
from ..model import Declined, Place
from ._files import Project

# Of no use to a program: version control, editors, checks, caches, what is for the builder.
_ASIDE = re.compile(
    r"(?:\A|/)(?:\.(?:git|github|gitlab|circleci|vscode|idea|devcontainer|husky|pytest_cache|mypy_cache|ruff_cache|tox|nox"
    r"|venv)|venv|__pycache__|node_modules|[^/]+\.egg-info)/"
    r"|(?:\A|/)(?:\.git(?!keep)\w*|\.(?:docker|helm)ignore|\.editorconfig|\.pre-commit-config\.yaml|\.flake8|\.pylintrc"
    r"|\.coveragerc|\.travis\.yml|\.gitlab-ci\.yml|\.DS_Store|[^/]*\.py[co])\Z"
    r"|\A(?:Dockerfile[^/]*|Containerfile[^/]*|(?:docker-)?compose[^/]*\.ya?ml|Makefile|README[^/]*|CHANGELOG[^/]*"
    r"|CONTRIBUTING[^/]*|LICEN[CS]E[^/]*|CODE_OF_CONDUCT[^/]*)\Z"
)
# What lies in these need not be the project's.
_SHARED = frozenset("/home /media /mnt /opt /root /srv /usr /usr/src /var /var/www".split())
_NEVER = re.compile(r"(?:\A|/)(?:\.?venv|\.git|node_modules)/")


def kept(project: Project) -> tuple[str, ...]:
    """Return the project's files but for secrets and what is of no use to a program, unless a source names it.

    Directories are named as a whole where all that is in them goes along. Raises Declined for a secret that a source
    names.
    """
    context, texts = project.candidate.build.context, project.texts()
    wanted = []
    for path, source in project.files():
        if is_secret(context, source):
            user = _naming(source, texts)
            if user:
                raise Declined(f"the program may read {source}, which may hold secrets", Place(user))
        elif not _ASIDE.search(source) or (not _NEVER.search(source) and _naming(source, texts)):
            wanted.append(path)
    return project.grouped(wanted)


def may_go_whole(project: Project) -> bool:
    """Tell whether the project's directory holds nothing that must stay behind: secrets, version control, caches."""
    candidate = project.candidate
    if project.home in _SHARED or any(run.home and inside(run.home, project.home) for run in candidate.runs):
        return False
    sources = [source for _, source in project.files()]
    return not any(_NEVER.search(source) or is_secret(candidate.build.context, source) for source in sources)


def _naming(source: str, texts: Mapping[str, str]) -> str:
    """Return the first source that names a file, empty if none does."""
    # `.env` is no part of os.environ.
    name = re.compile(rf"(?<!\w){re.escape(posixpath.basename(source))}(?!\w)")
    return next((file for file, text in texts.items() if name.search(text)), "")
