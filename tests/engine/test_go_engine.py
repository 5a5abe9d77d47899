"""Go projects, built before and after all rewrites: the same image, and no download after an edit of a source file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from layered import Project, Version, versions

from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

EDIT = ("main.go", "func main() {", 'func main() {\n\tfmt.Println("edited")\n')
PROJECTS = {
    "plain": Project(
        "dependency-layer/go-plain",
        ("internal/greet/greet.go", "quote.Hello()", "quote.Glass()"),
        ("go.mod", "go 1.19", "go 1.20"),
    ),
    "workspace": Project(
        "dependency-layer/go-workspace", ("libs/word/word.go", '"hello"', '"bye"'), ("go.work", "go 1.22", "go 1.23")
    ),
    "user": Project("dependency-layer/go-user", EDIT, ("go.mod", "go 1.19", "go 1.20")),
}


@pytest.fixture(scope="module")
def built(
    engine: Docker, need_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[Version]]]:
    """Build every project in both versions."""
    need_images("golang:1.24", "golang:1.24-alpine", "debian:bookworm-slim")
    with versions(engine, tmp_path_factory.mktemp("go"), PROJECTS) as found:
        yield found


@pytest.mark.parametrize("name", PROJECTS)
def test_the_images_are_the_same(built: dict[str, list[Version]], name: str) -> None:
    before, after = built[name]
    assert any(path.startswith(("/bin/app", "/usr/bin/app")) for path in before.image.files)
    for one, other in ((before.image, after.image), (before.edited_image, after.edited_image)):
        comparison = compare(one, other)
        assert comparison.equivalent, [str(difference) for difference in comparison.unexplained]
    assert not compare(after.image, after.edited_image).equivalent


@pytest.mark.parametrize("name", PROJECTS)
def test_only_an_edit_of_a_manifest_downloads(built: dict[str, list[Version]], name: str) -> None:
    _, after = built[name]
    assert after.ran("go build") == (True, True, True)
    assert after.ran("go mod download") == (True, False, True)
