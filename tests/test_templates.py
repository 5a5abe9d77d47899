"""The templates are found and well-formed, and their lines mean what their samples say."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rewrite import ecosystems, templates
from rewrite.source import ignorefile

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.stem for path in (templates.directory() / "ignore").glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_ignore_data_is_well_formed(name: str) -> None:
    groups = templates.data(f"ignore/{name}.toml")["group"]
    for group in groups:
        assert group["tier"] in ("safe", "review")
        assert group["title"][0].isupper()
        assert group["lines"]
        ignorefile.parse("\n".join(group["lines"]))
        for key in ("unless_named", "unless_run"):
            re.compile(group.get(key, ""))
        assert bool(group.get("unless_named")) <= bool(group.get("words")), "a pattern needs its words"


def test_every_ignore_template_belongs_to_an_ecosystem() -> None:
    assert set(NAMES) - {"common"} <= {ecosystem.IGNORE for ecosystem in ecosystems.discover()}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("common", "subprocess.check_output(['git', 'describe'])\nversion = run('git describe --tags')"),
        ("common", 'requires = ["setuptools_scm>=8"]'),
        ("common", "const rev = execSync('git rev-parse HEAD')"),
        ("common", "import git\nrepo = git.Repo('.')"),
        ("python", "source venv/bin/activate"),
    ],
)
def test_what_names_a_group_is_found(name: str, text: str) -> None:
    groups = templates.data(f"ignore/{name}.toml")["group"]
    named = [group for group in groups if "unless_named" in group]
    assert any(
        re.search(group["unless_named"], line)
        for group in named
        for line in text.split("\n")
        if any(word in line for word in group["words"])
    )


def test_data_without_a_file_is_empty() -> None:
    assert templates.data("ignore/nothing.toml") == {}


def test_only_html_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "directory", lambda: tmp_path)
    for name in ("page.html.j2", "note.md.j2", "dockerignore.j2"):
        (tmp_path / name).write_text("{{ text }}\n")
    assert templates.render("page.html.j2", text="<b>&'\"") == "&lt;b&gt;&amp;&#39;&#34;\n"
    assert templates.render("note.md.j2", text="<b>&") == "<b>&\n"
    assert templates.render("dockerignore.j2", text="<b>&") == "<b>&\n"


def test_the_wheel_holds_the_templates(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for path in templates.directory().rglob("*"):
        if path.is_file():
            assert f"rewrite/templates/{path.relative_to(templates.directory()).as_posix()}" in names
