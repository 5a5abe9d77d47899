"""Settings: which file counts, what it may say, and where an error is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewrite import settings
from rewrite.errors import ConfigError, UsageError
from rewrite.options import settings_flags
from rewrite.settings import Settings, check_names, load


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty directory, with two rewrites known."""
    monkeypatch.setattr(settings, "known_rewrites", lambda: ("cache-mounts", "manifests-first"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_a_file_everything_is_default(project: Path) -> None:
    assert load(project) == Settings()


def test_all_keys_are_read(project: Path) -> None:
    (project / "src").mkdir()
    write(
        project / "dockerfix.toml",
        'select = ["cache-mounts"]\nignore = ["manifests-first"]\nreview = true\ncontext = "src"\n'
        'builder = "kaniko"\nexclude = ["vendor"]\nmounts = false\n',
    )
    assert load(project) == Settings(
        ("cache-mounts",), ("manifests-first",), True, "src", "kaniko", ("vendor",), mounts=False, root=project
    )


def test_the_command_line_overrules_whether_mounts_are_wanted() -> None:
    assert settings_flags((), (), None, None, None) == {}
    assert settings_flags((), (), None, None, False) == {"mounts": False}
    assert settings_flags((), (), None, None, True) == {"mounts": True}


def test_nearest_file_wins_and_is_not_merged(project: Path) -> None:
    write(project / "dockerfix.toml", 'review = true\nbuilder = "kaniko"')
    write(project / "app/pyproject.toml", '[tool.dockerfix]\nbuilder = "buildah"')
    found = load(project / "app")
    assert (found.builder, found.review) == ("buildah", False)


def test_dockerfix_toml_comes_before_pyproject(project: Path) -> None:
    write(project / "dockerfix.toml", 'builder = "kaniko"')
    write(project / "pyproject.toml", '[tool.dockerfix]\nbuilder = "buildah"')
    assert load(project).builder == "kaniko"


@pytest.mark.parametrize("pyproject", ["[tool.black]\n", "[tool.dockerfixer]\n", "this is not TOML"])
def test_pyproject_without_the_table_is_passed_over(project: Path, pyproject: str) -> None:
    write(project / "dockerfix.toml", "review = true")
    write(project / "app/pyproject.toml", pyproject)
    assert load(project / "app").review


def test_context_is_relative_to_the_file_that_names_it(project: Path) -> None:
    write(project / "app/dockerfix.toml", 'context = "src"')
    (project / "app/src/docker").mkdir(parents=True)
    assert load(project / "app/src/docker").context == "app/src"


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("[tool.x]\nselct = []\n[tool.dockerfix]\nselct = []", 4, "'selct'", "did you mean 'select'?"),
        ("[tool.dockerfix]\ncolour = 1", 2, "'colour'", "known are: allow, builder, context"),
        ("[tool.dockerfix.selct]\na = 1", 1, "'selct'", "did you mean 'select'?"),
        ('[tool.dockerfix]\nreview = "yes"', 2, "true or false", ""),
        ('[tool.dockerfix]\nselect = "cache-mounts"', 2, "list of strings", ""),
        ("[tool.dockerfix]\nexclude = [1]", 2, "list of strings", ""),
        (
            '[tool.dockerfix]\nignore = [\n  "manifests-first",\n  "cache-mount",\n]',
            4,
            "no rewrite named 'cache-mount'",
            "did you mean 'cache-mounts'?",
        ),
        ('[tool.dockerfix]\n"builder" = "podman"', 2, "must be one of buildkit, buildah", "known are"),
        ('[tool.dockerfix]\nbuilder = "kanico"', 2, "must be one of", "did you mean 'kaniko'?"),
        ('[tool.dockerfix]\ncontext = "nowhere"', 2, "no directory 'nowhere'", ""),
        ("[tool.dockerfix]\nreview = = true", 2, "is not TOML", ""),
        ("[tool]\ndockerfix = 3", 0, "must be a table", ""),
    ],
)
def test_a_mistake_is_told_with_its_place(project: Path, text: str, line: int, message: str, hint: str) -> None:
    write(project / "pyproject.toml", text)
    with pytest.raises(ConfigError) as caught:
        load(project)
    assert (caught.value.path, caught.value.line) == ("pyproject.toml", line)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_file_that_is_not_utf8(project: Path) -> None:
    (project / "dockerfix.toml").write_bytes(b"review = true\n# \xff\n")
    with pytest.raises(ConfigError, match=r"^dockerfix\.toml:2: is not UTF-8$"):
        load(project)


def test_enables() -> None:
    assert Settings().enables("cache-mounts")
    assert not Settings(select=("cache-mounts",)).enables("manifests-first")
    assert not Settings(select=("cache-mounts",), ignore=("cache-mounts",)).enables("cache-mounts")


@pytest.mark.parametrize(
    ("pattern", "path", "excluded"),
    [
        ("vendor", "vendor/x/Dockerfile", True),
        ("vendor/", "a/vendor/Dockerfile", True),
        ("*.old", "a/Dockerfile.old", True),
        ("a/vendor", "a/vendor/Dockerfile", True),
        ("a/vendor", "b/a/vendor/Dockerfile", False),
        ("vendor", "vendored/Dockerfile", False),
    ],
)
def test_exclude(project: Path, pattern: str, path: str, excluded: bool) -> None:
    assert Settings(exclude=(pattern,), root=project).excludes(Path(path)) is excluded


def test_exclude_does_not_reach_outside_its_root(project: Path) -> None:
    assert not Settings(exclude=("*",), root=project / "app").excludes(Path("Dockerfile"))


def test_names_on_the_command_line_are_checked() -> None:
    check_names("--select", ["cache-mounts"])
    with pytest.raises(UsageError, match="--select: there is no rewrite named 'cachemounts'") as caught:
        check_names("--select", ["cachemounts"])
    assert caught.value.hint == "did you mean 'cache-mounts'?"
