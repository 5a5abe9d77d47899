"""What a Python program needs of its build: which Python uv takes, what lockfiles name, where Django collects files."""

from __future__ import annotations

import ast

import pytest

from rewrite.runtimes import _django, _python_locks, _python_tools
from rewrite.runtimes._python_starts import bare


@pytest.mark.parametrize(
    ("wanted", "version", "accepted"),
    [
        ("3.12", (3, 12), True),
        ("3.12", (3, 12, 7), True),
        ("3.12.4", (3, 12), False),
        ("cpython-3.12", (3, 12), True),
        ("pypy3.10", (3, 10), False),
        (">=3.11", (3, 12), True),
        (">=3.12.4", (3, 12), False),
        (">=3.12.4", (3, 12, 5), True),
        (">=3.11, <3.13", (3, 12), True),
        ("<3.13.5", (3, 13), False),
        (">3.11", (3, 12), True),
        (">3.12", (3, 12), False),
        ("<=3.12", (3, 12), False),
        ("!=3.12.1", (3, 12), False),
        ("!=3.11.1", (3, 12), True),
        ("!=3.12.*", (3, 12), False),
        ("~=3.11", (3, 12), True),
        ("~=3.12.1", (3, 12), False),
        ("==3.12.*", (3, 12), True),
        ("==3.12.1", (3, 12), False),
        ("===3.12", (3, 12), False),
        (">=3.11", (3,), False),
        (">=3.11", (), False),
    ],
)
def test_a_python_is_accepted_only_if_all_its_releases_are(
    wanted: str, version: tuple[int, ...], accepted: bool
) -> None:
    assert _python_tools.accepts(wanted, version) is accepted


@pytest.mark.parametrize(
    ("command", "rest"),
    [
        ("poetry run gunicorn app", "gunicorn app"),
        ("uv run --frozen --no-dev main.py -v", "python main.py -v"),
        ("uv run -- flask run", "flask run"),
        ("uv run -m shop", "python -m shop"),
        ("/opt/poetry/bin/poetry run shop", "shop"),
        ("pipenv run python app.py", "python app.py"),
        ("poetry install", None),
        ("gunicorn run", None),
    ],
)
def test_the_tool_that_runs_a_program_is_left_out(command: str, rest: str | None) -> None:
    found = bare(tuple(command.split()))
    assert (None if found is None else " ".join(found)) == rest


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("BASE_DIR / 'static'", "/app/static"),
        ("BASE_DIR.joinpath('a', 'b')", "/app/a/b"),
        ("os.path.join(BASE_DIR, 'static')", "/app/static"),
        ("os.path.join(os.path.dirname(os.path.dirname(__file__)), 'static')", "/app/static"),
        ("str(Path(__file__).resolve().parents[1] / 'static')", "/app/static"),
        ("f'{BASE_DIR}/static'", "/app/static"),
        ("'/var/www'", "/var/www"),
        ("os.environ['STATIC_ROOT']", None),
        ("BASE_DIR / os.getenv('STATIC', 'static')", None),
        ("env('STATIC_ROOT', default='/static')", None),
        ("None", None),
    ],
)
def test_a_path_of_the_settings_is_known_only_if_it_is_fixed(value: str, path: str | None) -> None:
    node = ast.parse(value, mode="eval").body
    assert _django.fixed_path(node, {"__file__": "/app/site/settings.py", "BASE_DIR": "/app"}) == path


def test_a_lockfile_names_what_others_need_but_no_other_group() -> None:
    lock = {
        "a": {"dependencies": {"b": "*"}, "files": [{"file": "a-1-py3-none-any.whl"}]},
        "b": {"files": [{"file": "b-1-cp312-cp312-linux_x86_64.whl"}]},
        "c": {},
    }
    assert _python_locks.locked(["A"], lock) == _python_locks.Locked(frozenset({"a", "b"}), frozenset({"a"}))
