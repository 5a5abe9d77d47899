"""What pip commands and requirements files read and write."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rewrite import ecosystems
from rewrite.build.build import Build
from rewrite.build.context import Context, MemoryTree
from rewrite.ecosystems import Command
from rewrite.ecosystems._requirements import entries, is_remote, requirement_lines
from rewrite.model import Declined, Place
from rewrite.source import dockerfile

FLASK = {"requirements.txt": "flask\n"}


def command(
    run: str, files: Mapping[str, str] = FLASK, *, before: str = "WORKDIR /app\nCOPY . .", tail: int = -1
) -> Command:
    """Return what the last command of ``RUN run`` does in a project of these files, all copied to /app."""
    tree = MemoryTree({name: text.encode("utf-8", "surrogateescape") for name, text in files.items()})
    text = f"FROM python:3.12\n{before}\nRUN {run}\n"
    build = Build("Dockerfile", dockerfile.parse(text), Context(tree, None, ".dockerignore", "."))
    ((stage, last),) = [*build.runs()][-1:]
    found = ecosystems.recognise(last.steps[tail], build.view(stage, last.instruction))
    assert found is not None and found.ecosystem == "pip"
    return found


def project_reads(found: Command) -> list[str]:
    """Return the paths of the project that a command reads."""
    assert found.declined is None, found.declined.premise
    return [read.path for read in found.reads if read.path.startswith("/app")]


def project_writes(found: Command) -> list[str]:
    """Return the paths of the project that a command writes."""
    assert found.declined is None, found.declined.premise
    return [write.path for write in found.writes if write.path.startswith("/app")]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\r\nb", [(1, "a"), (2, "b")]),
        ("# all\n\n  a # why\nb#no-comment\n", [(3, "a"), (4, "b#no-comment")]),
        ("a \\\n  --hash=x\nb", [(1, "a   --hash=x"), (3, "b")]),
        ("a \\\r\n  b\\\r\n\r\nc", [(1, "a   b"), (4, "c")]),
        ("a \\\n# ends it \\\n-r b", [(1, "a"), (3, "-r b")]),
        ("# no continuation \\\n-r b", [(2, "-r b")]),
        ("a \\", [(1, "a")]),
        ("a\\ \nb", [(1, "a\\"), (2, "b")]),
        ("-r a\u2028-r b\x0c-r c", [(1, "-r a"), (2, "-r b"), (3, "-r c")]),
        ("\ufeff-r a", [(1, "-r a")]),
        ("-r a\n".encode("utf-16").decode("utf-8", "surrogateescape"), [(1, "-r a")]),
    ],
)
def test_logical_lines(text: str, lines: list[tuple[int, str]]) -> None:
    assert list(requirement_lines(text)) == lines


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("flask>=3 ; python_version > '3' --hash=sha256:a", [("package", "flask>=3 ; python_version > '3'")]),
        ("a --global-option='-r b'", [("package", "a")]),
        ("-r base.txt", [("requirements", "base.txt")]),
        ("-rbase.txt", [("requirements", "base.txt")]),
        ("--requirement=base.txt", [("requirements", "base.txt")]),
        ("-c 'a b.txt'", [("requirements", "a b.txt")]),
        ("-e .[dev]", [("editable", ".[dev]")]),
        ("--find-links wheels --no-index", [("links", "wheels")]),
        ("-i https://example.com/simple --trusted-host example.com", [("index", "https://example.com/simple")]),
        ("-r ${STAGE}.txt", [("requirements", "prod.txt")]),
        ("./${EMPTY}/${OTHER}/${stage}", [("package", "./${EMPTY}/${OTHER}/${stage}")]),
    ],
)
def test_entries(line: str, found: list[tuple[str, str]]) -> None:
    assert list(entries(line, {"STAGE": "prod", "EMPTY": "", "OTHER": None, "stage": "x"})) == found


def test_a_line_that_is_not_understood() -> None:
    with pytest.raises(Declined, match="is not understood"):
        list(entries("--invented x", {}))


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("https://example.com/a.whl", True),
        ("git+ssh://git@example.com/a.git@v1", True),
        ("git+https://${TOKEN}@example.com/a", True),
        ("file:///app/a", False),
        ("git+file:///app/a", False),
        ("FILE:///app/a", False),
        ("./a", False),
        ("a/b", False),
    ],
)
def test_remote(url: str, remote: bool) -> None:
    assert is_remote(url) is remote


@pytest.mark.parametrize(
    "line",
    [
        "flask==3.1.2",
        "uvicorn[standard]>=0.30",
        "a @ https://example.com/a.zip",
        "a@git+https://example.com/a@v1#subdirectory=x",
        "https://example.com/a-1.tar.gz#egg=a",
        "git+ssh://git@example.com/a.git",
        "flask==${FLASK_VERSION}",
        "--extra-index-url https://${USER}:${PASSWORD}@example.com/simple",
    ],
)
def test_what_comes_from_elsewhere_reads_nothing(line: str) -> None:
    found = command("pip install -r requirements.txt", {"requirements.txt": line})
    assert project_reads(found) == ["/app/requirements.txt"]
    assert project_writes(found) == []


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("./vendor/a-1-py3-none-any.whl", "/app/vendor/a-1-py3-none-any.whl"),
        ("vendor/a.tar.gz ; python_version > '3'", "/app/vendor/a.tar.gz"),
        ("a @ file:///app/vendor/a%20b.zip#sha256=0", "/app/vendor/a b.zip"),
        ("a@file:///app/a.TAR.GZ", "/app/a.TAR.GZ"),
        ("file://localhost/app/a.whl", "/app/a.whl"),
        ("-f ./wheels", "/app/wheels"),
        ("-f file:///app/wheels", "/app/wheels"),
        ("-i file:///app/simple", "/app/simple"),
        ("-i simple", "/app/simple"),
    ],
)
def test_archives_and_indexes_of_the_tree(line: str, read: str) -> None:
    assert read in project_reads(command("pip install -r requirements.txt", {"requirements.txt": line}))


@pytest.mark.parametrize(
    ("line", "premise"),
    [
        ("${PACKAGE}", "depends on the environment"),
        ("./libs/${NAME}", "depends on the environment"),
        ("-r ${NAME}.txt", "where ${NAME}.txt lies is not known"),
        ("-i ${INDEX}", "depends on the environment"),
        ("a @ git+file:///app/a", "what cloning git+file:///app/a reads is not known"),
        ("-e git+file:///app/a#egg=a", "what cloning"),
        ("a @ file:///app#subdirectory=libs/a", "lies is not known"),
        ("../../a", "holds neither pyproject.toml nor setup.py"),
        ("-r missing.txt", "/app/missing.txt is not a file of the build context"),
        ("-e ./libs/a", "/app/libs/a holds neither pyproject.toml nor setup.py"),
    ],
)
def test_what_cannot_be_followed(line: str, premise: str) -> None:
    found = command("pip install -r requirements.txt", {"requirements.txt": f"# first\n{line}\n"})
    if "-r missing" in line:
        assert found.declined and premise in found.declined.premise
        return
    assert found.install and found.declined
    assert premise in found.declined.premise
    assert found.declined.because == Place("requirements.txt", 2) or "-r $" in line


def test_included_files_are_relative_to_their_file() -> None:
    files = {
        "requirements/prod.txt": "-r common/base.txt\n-c ../pins.txt\n--find-links wheels\n",
        "requirements/common/base.txt": "-r file:///app/extra.txt\n./lib-1.whl\n",
        "requirements/wheels/x": "",
        "extra.txt": "-r requirements/prod.txt",
        "pins.txt": "",
    }
    assert project_reads(command("pip install -r requirements/prod.txt", files)) == [
        "/app/requirements/prod.txt",
        "/app/requirements/wheels",
        "/app/pins.txt",
        "/app/requirements/common/base.txt",
        "/app/lib-1.whl",
        "/app/extra.txt",
    ]


@pytest.mark.parametrize(
    "change",
    [
        "RUN sed -i /x/d requirements.txt",
        "RUN echo gunicorn >> /app/requirements.txt",
        "RUN for f in requirements.txt; do pip-compile $f; done",
        'RUN ["tool", "requirements.txt"]',
        "COPY --from=other /requirements.txt /elsewhere/",
        "COPY --from=other /r .",
        "COPY <<EOF requirements.txt\nflask\nEOF",
    ],
)
def test_a_file_that_has_changed_since_it_was_copied(change: str) -> None:
    found = command("pip install -r requirements.txt", before=f"WORKDIR /app\nCOPY . .\n{change}")
    if "elsewhere" in change:
        assert project_reads(found) == ["/app/requirements.txt"]
    else:
        assert found.declined and found.declined.premise.endswith("or no longer as it was copied")
    found = command("pip install -r requirements.txt", before=f"WORKDIR /app\n{change}\nCOPY . .")
    assert project_reads(found) == ["/app/requirements.txt"]


def test_commands_that_only_read_change_nothing() -> None:
    before = "WORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt && cat requirements.txt > /tmp/log"
    assert project_reads(command("pip install -r requirements.txt", before=before)) == ["/app/requirements.txt"]


def test_a_remote_file_is_assumed_to_name_nothing() -> None:
    (doubt,) = command("pip install -c https://example.com/c.txt flask").proof
    assert doubt.claim == "https://example.com/c.txt asks for no file of the project"


@pytest.mark.parametrize(
    ("run", "reads", "writes"),
    [
        ("cd sub && pip install -r requirements.txt", ["/app/sub/requirements.txt"], []),
        ("python3 -I -m pip --no-cache-dir install -Ur requirements.txt", ["/app/requirements.txt"], []),
        ("pip install -t lib flask", [], ["/app/lib"]),
        ("PIP_TARGET=lib pip install flask", [], ["/app/lib"]),
        ("PIP_CONSTRAINT='requirements.txt sub/requirements.txt' pip install flask",
         ["/app/requirements.txt", "/app/sub/requirements.txt"], []),
        ("pip wheel -w dist flask", [], ["/app/dist"]),
        ("pip download flask", [], ["/app"]),
        ("pip install -e git+https://example.com/a#egg=a", [], ["/app/src"]),
        ("./env/bin/pip install flask", [], ["/app/env"]),
        ("PATH=/app/env/bin:/usr/bin && pip install flask", [], ["/app/env"]),
        ("export PATH=/app/bin:/usr/bin && pip install flask", [], []),
        ("pip --python env/bin/python install flask", [], ["/app/env", "/app/env/bin/python"]),
        ("pip install ./vendor/*.whl", ["/app/vendor"], []),
        ("pip install /wheels/*", [], []),
        ("pip install --group docs/pyproject.toml:all", ["/app/docs/pyproject.toml"], []),
        ("pip uninstall -y -r requirements.txt", ["/app/requirements.txt"], []),
        ("pip install --log pip.log flask", [], ["/app/pip.log"]),
    ],
)  # fmt: skip
def test_commands(run: str, reads: list[str], writes: list[str]) -> None:
    files = {
        "requirements.txt": "flask", "sub/requirements.txt": "", "vendor/a.whl": "", "docs/pyproject.toml": "",
        "bin/serve": "",
    }  # fmt: skip
    found = command(run, files)
    assert project_reads(found) == reads
    assert project_writes(found) == writes


@pytest.mark.parametrize(
    ("run", "premise"),
    [
        ("pip install -r $WHICH.txt", "the value of -r is not known"),
        ("pip install --invented flask", "--invented is not known"),
        ("pip install ./libs/*", "the files that ./libs/* stands for are not known"),
        ("pip install ./*/a.whl", "the files that ./*/a.whl stands for are not known"),
        ("pip install -e .", "/app holds neither"),
        ("export PATH=/app/env/bin:$PATH && pip install flask", "PATH is set to a value that is not known"),
        ("pip hash a.whl", "pip hash is not known"),
        ("pip config set global.target /app/lib", "it sets global.target for later commands"),
        ("pip config edit", "what it changes is not known"),
    ],
)
def test_declined_commands(run: str, premise: str) -> None:
    found = command(run, {"libs/a/x": ""})
    assert found.declined and premise in found.declined.premise


def test_arguments_of_the_build_are_not_known() -> None:
    found = command("pip install flask", before="ARG PIP_CONSTRAINT=/app/pins.txt\nWORKDIR /app\nCOPY . .")
    assert found.declined and found.declined.premise == "PIP_CONSTRAINT is set to a value that is not known"
    (doubt,) = command("pip install flask", before="ARG PIP_INDEX_URL\nWORKDIR /app\nCOPY . .").proof
    assert doubt.claim == "PIP_INDEX_URL names a server"


def test_configuration_of_the_project() -> None:
    settings = "[global]\nconstraint = /app/pins.txt\n[install]\nfind_links =\n  /app/a\n  /app/b\n"
    files = {"pip.conf": settings, "pins.txt": ""}
    found = command("pip install flask", files, before="WORKDIR /app\nCOPY pip.conf /etc/pip.conf\nCOPY . .")
    assert project_reads(found) == ["/app/pins.txt", "/app/a", "/app/b"]
    found = command("PIP_CONFIG_FILE=pip.conf pip install flask", files)
    assert project_reads(found) == ["/app/pip.conf", "/app/pins.txt", "/app/a", "/app/b"]


def test_home_in_the_project() -> None:
    found = command("pip install flask", before="ENV HOME=/app\nWORKDIR /app\nCOPY . .")
    assert {"/app/.netrc", "/app/.config/pip/pip.conf"} <= set(project_reads(found))
    assert project_writes(found) == ["/app/.local", "/app/.cache"]


def test_home_of_an_unknown_user_may_be_the_project() -> None:
    found = command("pip install flask", before="USER 1234\nWORKDIR /app\nCOPY . .")
    assert "/app/.netrc" in project_reads(found)


def test_a_dependency_group_with_a_local_path() -> None:
    found = command("pip install --group all", {"pyproject.toml": 'all = ["a @ file:///app/a"]'})
    assert found.declined and "dependency groups" in found.declined.premise


@pytest.mark.parametrize("run", ["pip --version", "pip list", "pip cache purge", "python -m pip freeze", "pip check"])
def test_commands_without_effect(run: str) -> None:
    found = command(run)
    assert (found.install, found.declined, found.reads, found.writes) == (False, None, (), ())
