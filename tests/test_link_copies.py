"""Which COPYs get --link, and of what it is said why they do not."""

from __future__ import annotations

import pytest
from building import build

from rewrite.model import Proposal, Refusal, Tier
from rewrite.rewrites import link_copies

BUILD = "# syntax=docker/dockerfile:1\nFROM golang:1.24 AS build\nRUN go build -o /out/app\nWORKDIR /out\n"


def found(text: str, files: dict[str, bytes | str] | None = None, **options: object) -> list[Proposal | Refusal]:
    """Return what is said of a final stage behind a stage that builds /out/app."""
    return list(link_copies.find(build(BUILD + text, files or {}, **options)))


def refusal(text: str, files: dict[str, bytes | str] | None = None) -> str:
    """Return why the last COPY is not linked."""
    outcome = found(text, files)[-1]
    assert isinstance(outcome, Refusal), outcome
    return outcome.premise


@pytest.mark.parametrize(
    "lines, told",
    [
        # Directories that are not root's with mode 0755, or links.
        ("RUN mkdir -m 700 /app\nCOPY --from=build /out/app /app/", "`mkdir` may make /app another's"),
        ("RUN umask 077 && mkdir /app\nCOPY --from=build /out/app /app/", "`mkdir` may make /app another's"),
        (
            "RUN mkdir -p /app && chown -R nobody /app\nCOPY --from=build /out/app /app/",
            "`chown` may make /app another",
        ),
        ("RUN chown -R nobody /opt\nCOPY --from=build /out/app /opt/app/", "`chown` may make /opt another"),
        ("RUN ln -s /srv /app\nCOPY --from=build /out/app /app/", "`ln` may make /app another's, or a link"),
        ("RUN mv /tmp/x /opt/app\nCOPY --from=build /out/app /opt/app/", "`mv` may make /opt/app"),
        ("WORKDIR /app\nRUN mv /app /was && mkdir /app\nCOPY --from=build /out/app ./", "`mv` may make /app another's"),
        ("RUN curl --create-dirs -o /app/x http://x.org/x\nCOPY --from=build /out/app /app/", "`curl` may make /app"),
        ("RUN cp -a /x/. /opt/\nCOPY --from=build /out/app /opt/", "`cp` may make /opt "),
        ("RUN cp -r /x/app /opt/\nCOPY --from=build /out/app /opt/app/", "`cp` may make /opt/app"),
        ("RUN rm -rf /opt\nUSER www-data\nWORKDIR /opt/app\nCOPY --from=build /out/app ./", "`rm` may make /opt "),
        ("RUN tar -xf /x.tar -C /\nCOPY --from=build /out/app /app/", "`tar` may change /app"),
        ("RUN ./set-up\nCOPY --from=build /out/app /app/", "may change /app"),
        ('RUN ["/set-up"]\nCOPY --from=build /out/app /app/', "cannot be read"),
        ("USER www-data\nWORKDIR /app\nCOPY --from=build /out/app ./", "for another user than root"),
        ("WORKDIR $WHERE\nRUN true\nCOPY --from=build /out/app /app/", "the directory that WORKDIR makes is not known"),
        ("COPY --chown=1000 a /app/\nCOPY --from=build /out/app /app/", "may make /app with another mode or owner"),
        (
            "WORKDIR /app\nCOPY --link --chown=1000 a /app/\nCOPY --from=build /out/app /app/",
            "may make /app with another mode or owner",
        ),
        ("COPY . /app\nCOPY --from=build /out/app /app/bin/", "may bring /app/bin with another mode or owner"),
        ("COPY --from=x /y /app\nCOPY --from=build /out/app /app/bin/", "may bring /app/bin"),
        ("ADD $X /app\nCOPY --from=build /out/app /app/", "may bring /app"),
        ("RUN true\nCOPY --from=build /out/app /tmp/", "/tmp may be a link in the base image, or have another mode"),
        ("RUN true\nCOPY --from=build /out/app /var/www/html/", "/var/www may be a link"),
        ("RUN true\nCOPY --from=build /out/app /usr/sbin/", "/usr/sbin may be a link"),
        ("RUN true\nCOPY --from=build /out/app /etc/ssl/certs/", "/etc/ssl may be a link"),
        # A file in the place of a directory or a link.
        ("WORKDIR /app\nCOPY --from=build /out/app /app", "/app is a directory"),
        ("RUN mkdir /app\nCOPY --from=build /out/app /app", "`mkdir` may make /app a directory"),
        ("RUN ln -s /x /opt/app\nCOPY --from=build /out/app /opt/app", "`ln` may make /opt/app"),
        ("RUN ln -s /x/app /opt\nCOPY --from=build /out/app /opt/app", "`ln` may make /opt/app a directory or a link"),
        ("COPY --from=x /y /opt\nCOPY --from=build /out/app /opt/app", "may bring /opt/app"),
        ("COPY src /opt/\nCOPY --from=build /out/app /opt/b", "may bring /opt/b"),
        # Flags, and what is not known.
        ("RUN true\nCOPY --chown=1000:1000 --from=build /out/app /app/", "owner in --chown"),
        ("RUN true\nCOPY --chown=root:root --from=build /out/app /app/", "owner in --chown"),
        ("RUN true\nCOPY --chmod=755 --from=build /out/app /app/", "takes no notice of --link"),
        ("RUN true\nCOPY --parents --from=build /out/app /app/", "--parents"),
        ("ARG D\nRUN true\nCOPY --from=build /out/app $D/", "depends on what is not known"),
        ("RUN true\nCOPY --from=build /out/a* /app", "no slash at the end"),
    ],
)
def test_declines(lines: str, told: str) -> None:
    assert told in refusal(f"FROM debian:bookworm-slim\n{lines}\n", {"a": "", "src/b": "", "bin/tool": ""})


@pytest.mark.parametrize(
    "base, told",
    [
        ("example.org/own", "whose directories example.org/own has"),
        ("$BASE", "a build argument says"),
        ("golang:1.24", "may be a link in the base image, or have another mode or owner"),
    ],
)
def test_declines_by_the_base(base: str, told: str) -> None:
    assert told in refusal(f"FROM {base}\nRUN true\nCOPY --from=build /out/app /go/bin/\n")


@pytest.mark.parametrize("line, told", [("WORKDIR x", "WORKDIR makes"), ("COPY a ./", "where it copies to")])
def test_what_the_base_image_has_made_its_own_directory(line: str, told: str) -> None:
    assert told in refusal(f"FROM perl:5.40\n{line}\nCOPY --from=build /out/app /usr/src/app/\n", {"a": ""})


def test_where_the_base_image_works_is_not_known() -> None:
    assert "own working directory" in refusal("FROM example.org/own\nRUN true\nCOPY --from=build /out/app ./\n")


@pytest.mark.parametrize(
    "lines",
    [
        "RUN apt-get update && apt-get install -y curl\nCOPY --from=build /out/app /usr/local/bin/",
        "WORKDIR /app\nCOPY --chown=www-data a ./\nCOPY --from=build /out/ ./",
        "WORKDIR /app\nCOPY a ./\nCOPY --from=build /out /app",
        "RUN mkdir -p /app/logs && chown www-data /app/logs\nCOPY --from=build /out/app /app/",
        "RUN useradd --create-home app && chown -R app /srv/data\nCOPY --from=build /out/app /srv/",
        "RUN curl -fsSLo /usr/local/bin/x https://example.org/x\nCOPY --from=build /out/app /usr/local/bin/",
        "RUN cp /etc/a /etc/b && sed -i s/a/b/ /etc/b\nCOPY --from=build /out/app /etc/app/",
        "COPY src /app/\nCOPY --from=build /out/app /app/bin/",
        "RUN true\nCOPY --chown=0:0 --from=build /out/app /app/",
    ],
)
def test_links(lines: str) -> None:
    outcome = found(f"FROM debian:bookworm-slim\n{lines}\n", {"a": "", "src/b": ""})[-1]
    assert isinstance(outcome, Proposal), outcome
    assert outcome.tier == Tier.REVIEW


def test_a_large_file_of_the_context_is_linked() -> None:
    text = "FROM scratch\nCOPY --from=build /out/app /app\nCOPY model /model\n"
    assert found(text, {"model": b"\0" * (16 * 2**20 - 1)}) == []
    (outcome,) = found(text, {"model": b"\0" * (16 * 2**20)})
    assert isinstance(outcome, Proposal)
    assert (outcome.title, outcome.tier) == ("link model", Tier.SAFE)


@pytest.mark.parametrize(
    "lines",
    [
        "FROM scratch\nCOPY --from=build /out/app /",
        "FROM scratch\nCOPY --from=build /etc/passwd /etc/\nCOPY --from=build /out/app /",
        "FROM golang:1.24\nCOPY --from=build /out/app /usr/local/bin/",
        "FROM debian:bookworm-slim\nRUN true\nCOPY --link --from=build /out/app /usr/local/bin/",
        "FROM debian:bookworm-slim\nRUN true\nCOPY --link=false --from=build /out/app /usr/local/bin/",
        "FROM debian:bookworm-slim\nRUN true\nCOPY <<EOF /etc/app.conf\na\nEOF",
        "FROM debian:bookworm-slim\nRUN true\nCOPY a /etc/",
    ],
)
def test_nothing_is_said_where_nothing_is_gained(lines: str) -> None:
    assert found(f"{lines}\n", {"a": ""}) == []


@pytest.mark.parametrize(
    "syntax, tier",
    [
        ("# syntax=docker/dockerfile:1\n", Tier.SAFE),
        ("# syntax=docker/dockerfile:1.4\n", Tier.SAFE),
        ("# syntax=docker.io/docker/dockerfile:1.7-labs\n", Tier.SAFE),
        ("# syntax=example.org/frontend\n", Tier.REVIEW),
        ("# syntax=docker/dockerfile:1@sha256:00\n", Tier.REVIEW),
        ("", Tier.REVIEW),
    ],
)
def test_the_frontend_has_to_know_it(syntax: str, tier: Tier) -> None:
    text = "FROM golang:1.24 AS build\nFROM scratch\nCOPY a /\nCOPY --from=build /out/app /\n"
    (outcome,) = link_copies.find(build(syntax + text))
    assert isinstance(outcome, Proposal)
    assert outcome.tier == tier
    (again,) = link_copies.find(build(syntax + text + "COPY <<EOF /b\nEOF\n"))
    assert isinstance(again, Proposal)
    assert again.tier == Tier.SAFE


@pytest.mark.parametrize("builder", ["buildah", "kaniko", "legacy"])
def test_other_builders_may_not_know_it(builder: str) -> None:
    (outcome,) = found("FROM debian\nRUN true\nCOPY --from=build /out/app /usr/local/bin/\n", builder=builder)
    assert isinstance(outcome, Refusal)
    assert builder in outcome.premise
