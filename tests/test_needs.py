"""Who asks for a path of the context by name."""

from __future__ import annotations

import pytest
from building import build

from rewrite.build.needs import excludes, needed, sources
from rewrite.source import dockerfile


@pytest.mark.parametrize(
    ("line", "sample", "asks"),
    [
        ("COPY . .", "node_modules", False),
        ("COPY src src", "src/node_modules", False),
        ("COPY node_modules ./node_modules", "node_modules", True),
        ("COPY ./node_modules/ /x", "node_modules", True),
        ("COPY /node_modules/left-pad /x", "node_modules", True),
        ("COPY node_modules/* /x/", "node_modules", True),
        ("COPY node_modules/$P /x/", "node_modules", True),
        ("COPY ${P} /x/", "node_modules", True),
        ("COPY src/$P /x/", "node_modules", False),
        ("COPY n*s /x/", "node_modules", True),
        ("COPY node_modules* /x/", "node_modules/x", True),
        ("COPY [n]ode_modules /x/", "node_modules", True),
        ("COPY [m]ode_modules /x/", "node_modules", False),
        ("COPY [m /x/", "node_modules", False),
        ("COPY * /x/", "node_modules", False),
        ("COPY package*.json /x/", "node_modules", False),
        ("COPY **/node_modules /x/", "a/node_modules", True),
        ("COPY --from=other node_modules /x", "node_modules", False),
        ('COPY ["node_modules", "/x"]', "node_modules", True),
        ("ADD node_modules /x", "node_modules", True),
        ("ONBUILD COPY node_modules /x", "node_modules", True),
        ("RUN --mount=type=bind,source=node_modules,target=/x a", "node_modules", True),
        ("RUN --mount=type=bind,from=x,source=node_modules,target=/x a", "node_modules", False),
        ("RUN --mount=target=/x a", "node_modules", False),
        ("RUN --mount=type=cache,source=node_modules,target=/x a", "node_modules", False),
    ],
)
def test_needed(line: str, sample: str, asks: bool) -> None:
    found = needed(build(f"{line}\n"), sample)
    assert (found is not None) is asks


def test_other_dockerfiles_of_the_context_count() -> None:
    other = dockerfile.parse("FROM a\n\nCOPY venv /venv\n")
    found = needed(build("COPY . .\n", siblings=(("sub/Dockerfile", other),)), "venv")
    assert found is not None
    assert (str(found.where), found.raw) == ("sub/Dockerfile:3", "venv")


def test_sources_are_cleaned_and_kept_as_written() -> None:
    found = list(sources(build("COPY ./a/../b /c/ .\nRUN --mount=target=/x a\n")))
    assert [(source.path, source.raw, source.where.line) for source in found] == [
        ("b", "./a/../b", 3), ("c", "/c/", 3), (".", ".", 4),
    ]  # fmt: skip


def test_excludes() -> None:
    context = build("RUN a\n", ignore="*.pyc\r\n!keep.pyc").context
    assert excludes(context, (), "a.pyc")
    assert not excludes(context, (), "keep.pyc")
    assert not excludes(context, (), "venv/x")
    assert excludes(context, ("venv",), "venv/x")
    assert excludes(build("RUN a\n").context, ("venv",), "venv/x")
