"""No output holds the value of a secret; what is written does."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewrite.build.secrets import literals
from rewrite.cli import main
from rewrite.model import Change, Result
from rewrite.report.masking import masked
from rewrite.source.dockerfile import parse

VALUE = "s3cr3tValueOfToday"
TEXT = f'''FROM node:22-slim
ARG DB_PASSWORD=postgres
ENV API_TOKEN="{VALUE}" \\
    MODE=fast
ENV AUTH_KEY {VALUE}
ENV TOKEN_FILE=/run/{VALUE} ENABLE_AUTH=true PUBLIC_KEY=abc OTHER_TOKEN=$X
ADD a.txt /postgres/
RUN echo $API_TOKEN
'''


def test_literals() -> None:
    found = literals(parse(TEXT))
    assert found == (("DB_PASSWORD", "postgres"), ("API_TOKEN", VALUE), ("AUTH_KEY", VALUE))


def test_what_everybody_may_know_is_shown() -> None:
    known = "ENV GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568 AUTH_TYPE=basic TOKEN_TTL=3600"
    assert literals(parse(f"FROM debian\n{known}\n")) == ()
    hidden = literals(parse("FROM debian\nENV GPG_KEY=correct-horse AUTH_URL=https://me:pw@example.org\n"))
    assert [name for name, _ in hidden] == ["GPG_KEY", "AUTH_URL"]


def test_a_word_is_masked_where_it_is_the_secret() -> None:
    result = Result("Dockerfile", (Change("Dockerfile", TEXT, TEXT + f"# {VALUE}"),), secrets=literals(parse(TEXT)))
    (change,) = masked(result).changes
    assert VALUE not in change.after.replace(f"/run/{VALUE}", "")
    assert "ARG DB_PASSWORD=***\n" in change.after
    assert 'ENV API_TOKEN="***" \\\n    MODE=fast\nENV AUTH_KEY ***\n' in change.after
    assert "/postgres/" in change.after
    assert masked(result).secrets == ()


@pytest.mark.parametrize(
    "options", [["--diff"], ["-v"], ["--output-format", "json"], ["--diff", "--output-format", "json"]]
)
def test_no_output_holds_it(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = TEXT.replace(f"/run/{VALUE}", "/run/x")
    Path("Dockerfile").write_text(text, "utf-8")
    Path("a.txt").touch()
    assert main(["--review", *options]) == 1
    printed = capfd.readouterr()
    assert "***" in printed.out or "-v" in options
    assert VALUE not in printed.out + printed.err
    assert ("does not apply" in printed.err) == (options == ["--diff"])
    assert main(["--review", "--write", "-q"]) == 0
    assert VALUE in Path("Dockerfile").read_text("utf-8")
