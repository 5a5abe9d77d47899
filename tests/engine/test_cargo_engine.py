"""Rust projects, built before and after all rewrites: the same image, and the dependencies are compiled once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from layered import Project, Version, versions

from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

PROJECTS = {
    "plain": Project(
        "dependency-layer/rust-plain",
        ("src/main.rs", "42", "43"),
        ("Cargo.toml", '"2021"', '"2021"\nrust-version = "1.60"'),
    ),
    "workspace": Project(
        "dependency-layer/rust-workspace",
        ("crates/mac/src/lib.rs", "number ", "figure "),
        ("crates/util/Cargo.toml", '"2021"', '"2018"'),
    ),
    "programs": Project(
        "dependency-layer/rust-several-programs", ("src/lib.rs", "42", "43"), ("Cargo.toml", '"2021"', '"2018"')
    ),
}


@pytest.fixture(scope="module")
def built(
    engine: Docker, need_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[Version]]]:
    """Build every project in both versions."""
    need_images("rust:1.83", "rust:1.83-slim", "debian:bookworm-slim")
    with versions(engine, tmp_path_factory.mktemp("rust"), PROJECTS) as found:
        yield found


@pytest.mark.parametrize("name", PROJECTS)
def test_the_images_are_the_same(built: dict[str, list[Version]], name: str) -> None:
    before, after = built[name]
    assert any(path.endswith(("/bin/app", "/bin/serve")) for path in before.image.files)
    for one, other in ((before.image, after.image), (before.edited_image, after.edited_image)):
        comparison = compare(one, other)
        assert comparison.equivalent, [str(difference) for difference in comparison.unexplained]
    assert not compare(after.image, after.edited_image).equivalent


@pytest.mark.parametrize("name", PROJECTS)
def test_only_an_edit_of_a_manifest_compiles_the_dependencies(built: dict[str, list[Version]], name: str) -> None:
    _, after = built[name]
    assert after.ran("cargo clean") == (True, False, True)
    assert after.edited is not None and "Compiling itoa" not in after.edited.log
