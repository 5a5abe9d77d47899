"""Which Python packages a stage asks pip for, the programs they bring, and what they load from the system.

Facts: the packages' own installation pages; buildpack-deps' Dockerfiles, from which the full python image has the
development files of PostgreSQL, MariaDB, libxml2, ImageMagick and more, and git, curl and libmagic, none of which is
in the slim one.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from ..build.paths import join
from ..build.runs import Run, Step
from ..ecosystems._requirements import KINDS, entries, requirement_lines
from ..ecosystems._uv_settings import Line
from ..ecosystems.pip import given
from ..model import Declined, Place
from ._candidate import Candidate

# What a package loads or starts that the full image has and the slim one lacks; () where that is not known.
SYSTEM: dict[str, tuple[str, ...]] = {
    "psycopg2": ("libpq5",),
    "psycopg": ("libpq5",),
    "psycopg-c": ("libpq5",),
    "mysqlclient": ("libmariadb3",),
    "opencv-python": ("libglib2.0-0",),
    "opencv-contrib-python": ("libglib2.0-0",),
    "opencv-python-headless": ("libglib2.0-0",),
    "python-magic": ("libmagic1",),
    "lightgbm": ("libgomp1",),
    "gitpython": ("git",),
    "pre-commit": ("git",),
    "dulwich": (),
    "cairocffi": ("libcairo2",),
    "cairosvg": ("libcairo2",),
} | dict.fromkeys(
    (
        "uwsgi pyuwsgi pycairo pygobject dbus-python wand weasyprint xhtml2pdf m2crypto pycurl pygraphviz gdal pyaudio"
        " python-ldap xmlsec pysqlcipher3 rpy2 pyicu mod-wsgi systemd-python pillow-simd psycopg2cffi pygresql ibm-db"
        " pycups pyscard pyqt5 pyqt6 pyside6 pygame tables jpype1 pyjnius pyspark mysql-python python-snappy cx-oracle"
        " playwright pyppeteer selenium nodeenv pyenchant pyzbar face-recognition dlib torch-geometric"
    ).split(),
    (),
)
# Pure Python, or wheels that bring all they load.
_ALONE = frozenset(
    (
        "aiofiles aiohttp alembic amqp anyio apscheduler argon2-cffi asgiref asyncpg attrs beautifulsoup4 blinker"
        " boto3 botocore cachetools celery certifi cffi chardet charset-normalizer click cryptography daphne dj-"
        " database-url django django-cors-headers django-filter django-redis djangorestframework fastapi flask flask-"
        " cors flask-login flask-migrate flask-sqlalchemy flask-wtf gevent greenlet gunicorn h11 httpx hypercorn idna"
        " itsdangerous jinja2 jsonschema kombu loguru lxml mako markdown markupsafe marshmallow msgpack numpy openai"
        " orjson packaging pandas passlib pika pillow pip prometheus-client psutil psycopg2-binary pyasn1 pycparser"
        " pydantic pydantic-core pydantic-settings pygments pyjwt pymongo pymysql python-dateutil python-decouple"
        " python-dotenv python-multipart pytz pyyaml redis requests rich scikit-learn scipy sentry-sdk setuptools"
        " simplejson six sqlalchemy sqlmodel sqlparse starlette structlog tenacity toml tornado tqdm typer typing-"
        " extensions tzdata urllib3 uvicorn uvloop waitress watchfiles webencodings websockets werkzeug wheel"
        " whitenoise wtforms xgboost"
    ).split()
)
# Programs whose names are not those of their packages.
_PROGRAMS = {
    "django-admin": ("django",),
    "waitress-serve": ("waitress",),
    "uvicorn": ("uvicorn", "fastapi"),
    "flask": ("flask",),
    "jupyter": ("jupyter", "jupyterlab", "notebook"),
    "rqworker": ("rq",),
    "airflow": ("apache-airflow",),
}
# They start what a file of theirs says.
_SUPERVISORS = frozenset({"supervisord", "honcho", "circusd"})
_NAME = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[([^]]*)\])?")


def normal(name: str) -> str:
    """Return a package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def asked(candidate: Candidate, run: Run, step: Step) -> Iterator[str]:
    """Yield the names of the packages that a ``pip install`` asks for; raises Declined where they cannot be told."""
    place = candidate.build.step_place(run, step)
    for argument in given(step)[1:]:
        kind = KINDS.get(argument.option, "")
        if kind in ("editable", "group"):
            raise Declined("packages are installed from their sources, in place", place)
        if not argument.option:
            yield from _package(candidate, step.cwd, argument.value, place)
        elif argument.option in ("-r", "--requirement"):
            yield from _listed(candidate, join(step.cwd, argument.value), place, 0)


def asked_uv(candidate: Candidate, run: Run, step: Step, line: Line) -> Iterator[str]:
    """Yield the names of the packages that a ``uv pip`` asks for; raises Declined where they cannot be told."""
    place = candidate.build.step_place(run, step)
    files = line.values("-r", "--requirement", "--requirements")
    if line.on("-e", "--editable", "--group"):
        raise Declined("packages are installed from their sources, in place", place)
    for word in line.operands if line.verb == "pip install" else ():
        yield from _package(candidate, step.cwd, word, place)
    for name in (*files, *(line.operands if line.verb == "pip sync" else ())):
        if posixpath.basename(name) == "pyproject.toml":
            yield from _package(candidate, step.cwd, f"./{posixpath.dirname(name)}", place)
        else:
            yield from _listed(candidate, join(step.cwd, name), place, 0)


def _listed(candidate: Candidate, path: str | None, where: Place, depth: int) -> Iterator[str]:
    text = candidate.read(path) if path else None
    if path is None or text is None or depth > 5:
        raise Declined("which packages a requirements file lists is not known", where)
    for line, words in requirement_lines(text):
        place = candidate.view.place(path, line)
        for kind, value in entries(words, {}):
            if kind == "editable":
                raise Declined("packages are installed from their sources, in place", place)
            if kind == "package":
                yield from _package(candidate, posixpath.dirname(path), value, place)
            elif kind == "requirements" and not re.match(r"\s*(?:-c|--constraint)", words):
                yield from _listed(candidate, join(posixpath.dirname(path), value), place, depth + 1)


def _package(candidate: Candidate, directory: str | None, word: str, where: Place) -> Iterator[str]:
    if re.match(r"\.|/|\w+/|file:", word):
        path = join(directory, re.sub(r"\[.*\]\Z", "", word))
        text = candidate.read(f"{path}/pyproject.toml") if path else None
        names = _project(text) if text else None
        if names is None:
            raise Declined(f"which packages {word} needs is not known", where)
        yield from names
        return
    found = _NAME.match(word)
    if not found or re.match(r"[a-z+]+://", word):
        raise Declined(f"the package behind {word} is not known", where)
    name = normal(found[1])
    extras = {part.strip() for part in (found[2] or "").split(",")}
    yield "psycopg2-binary" if name == "psycopg" and "binary" in extras else name


def _project(text: str) -> tuple[str, ...] | None:
    """Return the names that a pyproject.toml requires and the programs that it defines, None if that is not known."""
    try:
        table: Any = tomllib.loads(text).get("project")
    except tomllib.TOMLDecodeError:
        return None
    if not isinstance(table, dict) or {"dependencies", "scripts"} & set(table.get("dynamic", ())):
        return None
    required = [found for entry in table.get("dependencies", ()) if (found := _NAME.match(str(entry)))]
    scripts = table.get("scripts", {})
    return (*(normal(found[1]) for found in required), *(normal(name) for name in scripts))


def brings(packages: frozenset[str], program: str) -> bool:
    """Tell whether one of the packages is known to bring a program."""
    if program in _SUPERVISORS:
        return False
    return bool({normal(program), *_PROGRAMS.get(program, ())} & packages)


def loaded(packages: frozenset[str], where: Place) -> Iterator[str]:
    """Yield the system packages that the packages need and the full image has; raises Declined where not known."""
    for name in sorted(packages & SYSTEM.keys()):
        if not SYSTEM[name]:
            raise Declined(f"what {name} needs of the system is not known, which the slim image may lack", where)
        yield from SYSTEM[name]


def strangers(packages: frozenset[str]) -> tuple[str, ...]:
    """Return the packages of which it is not known whether they load anything of the system."""
    return tuple(sorted(packages - _ALONE - SYSTEM.keys()))
