"""composer, bundler and ccache in one Dockerfile, built before and after all rewrites; all packages are of the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from layered import Project, Version, versions

from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

PROJECTS = {
    "together": Project(
        "manifests-first/php-ruby-together",
        ("src/Cart.php", "final class Cart {}", "final class Basket {}"),
        ("jobs/gems/clock/lib/clock/version.rb", "# of the clock", "# of a clock"),
    )
}


@pytest.fixture(scope="module")
def built(
    engine: Docker, need_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Version]]:
    """Build the project in both versions."""
    need_images("debian:bookworm-slim")
    with versions(engine, tmp_path_factory.mktemp("php-ruby"), PROJECTS) as found:
        yield found["together"]


def test_the_images_are_the_same(built: list[Version]) -> None:
    before, after = built
    for pair in ((before.image, after.image), (before.edited_image, after.edited_image)):
        comparison = compare(*pair)
        assert comparison.equivalent, [str(difference) for difference in comparison.unexplained]


@pytest.mark.parametrize(("step", "manifest"), [("composer install", False), ("bundle install", True)])
def test_an_edit_runs_no_install(built: list[Version], step: str, manifest: bool) -> None:
    before, after = built
    assert before.ran(step)[:2] == (True, True)
    assert after.ran(step) == (True, False, manifest)


def test_what_is_installed(built: list[Version]) -> None:
    files = built[1].image.files
    assert files["/shop/vendor/shop/prices"].link == "../../packages/prices/"
    assert "/shop/native/tick" in files
