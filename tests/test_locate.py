"""Where a Dockerfile's context is: compose files, workflows, pipelines, makefiles, scripts, or none of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rewrite.build.commandlines import UNKNOWN, Places, expand, invocations
from rewrite.build.locate import Located, find_dockerfiles, locate, repository_root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    for name in ("Dockerfile", "svc/api/Dockerfile", "svc/web/Dockerfile", "docker/prod.Dockerfile"):
        write(tmp_path, {name: "FROM scratch\n"})
    return tmp_path


def write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def found(root: Path, dockerfile: str) -> tuple[str, str]:
    located = locate(root / dockerfile, root)
    return located.context.relative_to(root).as_posix(), located.evidence


def workflow(*steps: str) -> str:
    return "name: ci\non: push\njobs:\n  image:\n    steps:\n" + "".join(steps)


def test_no_mention_is_the_own_directory(root: Path) -> None:
    assert found(root, "svc/api/Dockerfile") == ("svc/api", "the Dockerfile's directory")
    assert locate(root / "Dockerfile") == Located(root, "the Dockerfile's directory", stated=False)


@pytest.mark.parametrize(
    ("build", "dockerfile", "context", "place"),
    [
        ("build: .", "Dockerfile", ".", "3 (build)"),
        ("build: ./svc/api/", "svc/api/Dockerfile", "svc/api", "3 (build)"),
        ("build: {context: ., dockerfile: svc/web/Dockerfile}", "svc/web/Dockerfile", ".", "3 (build.context)"),
        ("build:\n      dockerfile: docker/prod.Dockerfile", "docker/prod.Dockerfile", ".", "4 (build.context)"),
        (
            "build:\n      context: svc\n      dockerfile: api/Dockerfile",
            "svc/api/Dockerfile",
            "svc",
            "4 (build.context)",
        ),
        ("build: '${CTX:-svc/api}'", "svc/api/Dockerfile", "svc/api", "3 (build)"),
        ("build: ${CTX-svc/api}", "svc/api/Dockerfile", "svc/api", "3 (build)"),
    ],
)
def test_compose(root: Path, build: str, dockerfile: str, context: str, place: str) -> None:
    write(root, {"docker-compose.prod.yml": f"services:\n  one:\n    {build}\n"})
    assert found(root, dockerfile) == (context, f"docker-compose.prod.yml:{place}")


@pytest.mark.parametrize(
    "build",
    [
        "build: ${CTX}",
        "build: {context: $CTX, dockerfile: svc/api/Dockerfile}",
        "build: {context: ., dockerfile: '${FILE}'}",
        "build: https://github.com/example/repo.git",
        "build: {context: 'git@github.com:example/repo.git', dockerfile: svc/api/Dockerfile}",
        "build: {context: ., dockerfile_inline: FROM scratch}",
        "build: {context: missing, dockerfile: ../svc/api/Dockerfile}",
        "image: build",
        "build: [broken",
        "build: {context: .",
    ],
)
def test_compose_that_tells_nothing(root: Path, build: str) -> None:
    write(root, {"compose.yaml": f"services:\n  one:\n    {build}\n"})
    for name in ("svc/api/Dockerfile", "Dockerfile"):
        assert locate(root / name, root).evidence == "the Dockerfile's directory"


def test_a_name_in_lower_case_is_what_docker_falls_back_to(root: Path) -> None:
    write(root, {"svc/low/dockerfile": "FROM scratch\n", "svc/api/dockerfile": "FROM scratch\n"})
    write(root, {"compose.yaml": "services:\n  low:\n    build: svc/low\n  api:\n    build: svc/api\n"})
    assert found(root, "svc/low/dockerfile") == ("svc/low", "compose.yaml:3 (build)")
    assert found(root, "svc/api/dockerfile") == ("svc/api", "the Dockerfile's directory")
    assert root / "svc/low/dockerfile" in find_dockerfiles(root)


def test_compose_paths_start_at_the_compose_file(root: Path) -> None:
    write(
        root,
        {"deploy/compose.yml": "services:\n  a:\n    build:\n      context: ..\n      dockerfile: svc/api/Dockerfile"},
    )
    assert found(root, "svc/api/Dockerfile") == (".", "deploy/compose.yml:4 (build.context)")


def test_compose_with_anchors_and_custom_tags(root: Path) -> None:
    anchor = "x-b: &b\n  context: .\n  dockerfile: svc/api/Dockerfile\n"
    text = anchor + "services:\n  a:\n    ports: !reset []\n    build:\n      <<: *b\n"
    write(root, {"compose.yml": text})
    assert found(root, "svc/api/Dockerfile") == (".", "compose.yml:7 (build.context)")


def test_target_is_told_if_all_agree(root: Path) -> None:
    one = "services:\n  a:\n    build:\n      context: .\n      target: dev\n"
    write(root, {"compose.yml": one})
    assert locate(root / "Dockerfile", root).target == "dev"
    write(root, {"compose.prod.yml": one.replace("dev", "prod")})
    assert locate(root / "Dockerfile", root).target is None


BUILD_ACTION = "      - uses: docker/build-push-action@v6\n        with:\n"


def test_build_push_action(root: Path) -> None:
    step = f"{BUILD_ACTION}          context: .\n          file: ./svc/api/Dockerfile\n"
    write(root, {".github/workflows/ci.yml": workflow(step)})
    assert found(root, "svc/api/Dockerfile") == (".", ".github/workflows/ci.yml:8 (docker/build-push-action)")
    assert found(root, "svc/web/Dockerfile")[0] == "svc/web"


def test_build_push_action_without_context_builds_from_git(root: Path) -> None:
    step = f"{BUILD_ACTION}          file: svc/api/Dockerfile\n"
    write(root, {".github/workflows/ci.yml": workflow(step)})
    context, evidence = found(root, "svc/api/Dockerfile")
    assert context == "." and "applies no .dockerignore" in evidence
    below = BUILD_ACTION + "          context: '{{defaultContext}}:svc/web'\n"
    write(root, {".github/workflows/ci.yml": workflow(below)})
    assert "from git" in found(root, "svc/web/Dockerfile")[1]


def test_workflow_commands(root: Path) -> None:
    text = workflow(
        "      - run: |\n          echo start\n          docker buildx build \\\n"
        "            --push -t x:${{ github.sha }} \\\n            -f docker/prod.Dockerfile .\n",
        "      - run: docker build -t y .\n        working-directory: svc/api\n",
    )
    write(root, {".github/workflows/ci.yml": text})
    assert found(root, "docker/prod.Dockerfile") == (".", ".github/workflows/ci.yml:8 (docker buildx build)")
    assert found(root, "svc/api/Dockerfile") == ("svc/api", ".github/workflows/ci.yml:11 (docker build)")


def test_workflow_default_directory(root: Path) -> None:
    text = workflow("      - run: docker build -f api/Dockerfile .\n")
    write(root, {".github/workflows/a.yaml": "defaults: {run: {working-directory: svc}}\n" + text})
    assert found(root, "svc/api/Dockerfile")[0] == "svc"


def test_gitlab(root: Path) -> None:
    text = "build:\n  script:\n    - cd svc\n    - docker build -t x -f api/Dockerfile .\n"
    write(root, {".gitlab-ci.yml": text})
    assert found(root, "svc/api/Dockerfile") == ("svc", ".gitlab-ci.yml:4 (docker build)")


def test_makefile(root: Path) -> None:
    image = "IMG ?= x\nimage:\n\t@cd svc && docker build -q -t $(IMG) \\\n\t  -f api/Dockerfile .\n"
    text = image + "web:\n\tdocker build $(CURDIR) -f svc/web/Dockerfile\n"
    write(root, {"Makefile": text})
    assert found(root, "svc/api/Dockerfile") == ("svc", "Makefile:3 (docker build)")
    assert found(root, "svc/web/Dockerfile") == (".", "Makefile:6 (docker build)")


def test_included_makefile_beside_the_dockerfile(root: Path) -> None:
    write(root, {"svc/api/build.mk": "image:\n\tdocker build -f Dockerfile ../..\n"})
    assert found(root, "svc/api/Dockerfile") == (".", "svc/api/build.mk:2 (docker build)")


@pytest.mark.parametrize(
    "command", ["docker build $(OPTS) $(DIR)", "docker build -f $(FILE) .", "docker build ${DIR}", "docker build $$DIR"]
)
def test_unknown_variables_are_not_guessed(root: Path, command: str) -> None:
    write(root, {"Makefile": f"image:\n\t{command}\n"})
    assert locate(root / "Dockerfile", root).evidence == "the Dockerfile's directory"


def test_scripts_start_in_the_root_or_beside_themselves(root: Path) -> None:
    write(root, {"scripts/a.sh": "#!/bin/sh\ndocker build -f svc/api/Dockerfile .\n"})
    write(root, {"scripts/b.sh": "#!/bin/sh\ndocker build -f ../svc/web/Dockerfile ../svc\n"})
    assert found(root, "svc/api/Dockerfile") == (".", "scripts/a.sh:2 (docker build)")
    assert found(root, "svc/web/Dockerfile") == ("svc", "scripts/b.sh:2 (docker build)")


def test_disagreement_is_reported_and_compose_counts_first(root: Path) -> None:
    write(
        root,
        {
            "Makefile": "image:\n\tdocker build svc/api\n",
            ".github/workflows/ci.yml": workflow("      - run: docker build -f svc/api/Dockerfile svc\n"),
        },
    )
    assert found(root, "svc/api/Dockerfile") == (
        "svc",
        ".github/workflows/ci.yml:6 (docker build); but Makefile:2 (docker build) builds in svc/api",
    )
    write(root, {"compose.yaml": "services:\n  a:\n    build: {context: ., dockerfile: svc/api/Dockerfile}\n"})
    context, evidence = found(root, "svc/api/Dockerfile")
    assert context == "."
    assert evidence.startswith(
        "compose.yaml:3 (build.context); but .github/workflows/ci.yml:6 (docker build) builds in svc;"
    )


@pytest.mark.parametrize(
    ("files", "builder"),
    [
        ({"Makefile": "i:\n\tDOCKER_BUILDKIT=0 docker build .\n"}, "legacy"),
        ({"Makefile": "export DOCKER_BUILDKIT := 0\ni:\n\tdocker build .\n"}, "legacy"),
        ({"Makefile": "export DOCKER_BUILDKIT := 0\ni:\n\tdocker buildx build .\n"}, None),
        ({"Makefile": "i:\n\tDOCKER_BUILDKIT=1 docker build .\n"}, None),
        ({"Makefile": "i:\n\tdocker build .\nj:\n\tpodman build .\n"}, "buildah"),
        ({"build.sh": "buildah bud -t x .\n"}, "buildah"),
        ({".gitlab-ci.yml": "variables: {DOCKER_BUILDKIT: '0'}\nb:\n  script: [docker build .]\n"}, "legacy"),
        (
            {".gitlab-ci.yml": "b:\n  script:\n    - /kaniko/executor --context $CI_PROJECT_DIR --destination x\n"},
            "kaniko",
        ),
        ({".gitlab-ci.yml": "b:\n  script:\n    - /kaniko/executor -f svc/api/Dockerfile -c dir://svc\n"}, None),
        ({"compose.yml": "services: {a: {build: .}}\n", "Makefile": "i:\n\tpodman build .\n"}, "buildah"),
    ],
)
def test_builder(root: Path, files: dict[str, str], builder: str | None) -> None:
    write(root, files)
    assert locate(root / "Dockerfile", root).builder == builder


@pytest.mark.parametrize(
    ("line", "context", "dockerfile"),
    [
        ("docker build -t a --build-arg V=1 --platform=linux/amd64 --target x ctx", "ctx", "ctx/Dockerfile"),
        ("docker build ctx --file=f/Dockerfile", "ctx", "f/Dockerfile"),
        ("docker build -fDocker.f -ta .", ".", "Docker.f"),
        ("docker build --no-cache --pull -q .", ".", "Dockerfile"),
        ("docker build -t x . > log 2>&1", ".", "Dockerfile"),
        ("docker build -t x . 2>/dev/null | tee log", ".", "Dockerfile"),
        ("docker build -t x . # comment .. /", ".", "Dockerfile"),
        ("sudo -E FOO=1 docker image build 'a b'", "a b", "a b/Dockerfile"),
        ("if true; then docker build a; fi", "a", "a/Dockerfile"),
        ("docker --debug build .", ".", "Dockerfile"),
        ("(cd a && make) && docker build .", ".", "Dockerfile"),
        ("pushd a; docker build b; popd", "a/b", "a/b/Dockerfile"),
        ("docker build -t x:$(git describe --tags) --label v=`date +%s` ${DIR:-a}", "a", "a/Dockerfile"),
        ('docker build -t "$X" "$GITHUB_WORKSPACE/a"', "a", "a/Dockerfile"),
        ("docker build --build-arg A=${B:-${C}} .", ".", "Dockerfile"),
    ],
)
def test_command_lines(tmp_path: Path, line: str, context: str, dockerfile: str) -> None:
    (one,) = invocations(line, Places(tmp_path, tmp_path))
    assert (one.context, one.dockerfiles[0]) == (tmp_path / context, tmp_path / dockerfile)


@pytest.mark.parametrize(
    "line",
    [
        "echo docker build .",
        "docker compose build web",
        "docker run build .",
        "docker build - < Dockerfile",
        "docker build https://github.com/a/b.git#main",
        "docker build 'unbalanced .",
        "cd $X && docker build .",
        "docker build",
        "# docker build .",
    ],
)
def test_what_is_no_local_build(tmp_path: Path, line: str) -> None:
    assert list(invocations(line, Places(tmp_path, tmp_path))) == []


def test_expand_marks_what_is_unknown() -> None:
    assert expand("a-$X-${Y}-$(z (n) y)-`w`-b") == f"a-{UNKNOWN}-{UNKNOWN}-{UNKNOWN}-{UNKNOWN}-b"
    assert expand("${A:-x/${B:-y}}") == "x/y"


def test_the_nearest_repository_counts(tmp_path: Path) -> None:
    write(tmp_path, {".git/HEAD": "", "mono/app/.git": "gitdir: x", "mono/app/docker/Dockerfile": ""})
    assert repository_root(tmp_path / "mono/app/docker/Dockerfile") == tmp_path / "mono/app"


def test_a_forge_s_file_says_more_of_the_root_than_a_compose_file_beside_the_dockerfile(tmp_path: Path) -> None:
    write(tmp_path, {"p/.github/workflows/ci.yml": "", "p/scripts/compose.yaml": "", "p/scripts/Dockerfile": ""})
    assert repository_root(tmp_path / "p/scripts/Dockerfile") == tmp_path / "p"


def test_nested_monorepo(root: Path) -> None:
    """A team's compose file beside its service is nearer to the point than nothing in the root."""
    compose = "services:\n  s:\n    build:\n      context: service\n      dockerfile: build/Dockerfile\n"
    write(root, {"teams/a/service/build/Dockerfile": "FROM scratch\n", "teams/a/docker-compose.yml": compose})
    located = locate(root / "teams/a/service/build/Dockerfile")
    assert located.context == root / "teams/a/service"
    assert located.evidence == "teams/a/docker-compose.yml:4 (build.context)"


def test_find_dockerfiles(tmp_path: Path) -> None:
    wanted = [
        "Containerfile",
        "Dockerfile",
        "Dockerfile-prod",
        "Dockerfile.dev",
        "a/api.Dockerfile",
        "a/web.dockerfile",
        "b/Containerfile.x",
    ]
    others = [
        "Dockerfile.j2",
        "Dockerfile.dockerignore",
        "Dockerfile.in",
        "x.Dockerfile.tmpl",
    ]
    vendored = [f"{name}/Dockerfile" for name in (".git", "node_modules", "vendor", ".venv", "a/venv")]
    write(tmp_path, dict.fromkeys([*wanted, *others, *vendored], ""))
    assert [path.relative_to(tmp_path).as_posix() for path in find_dockerfiles(tmp_path)] == wanted
