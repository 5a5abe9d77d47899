"""Which texts of a stage install what a project depends on."""

from __future__ import annotations

import pytest

from rewrite.ecosystems import configures, installing

INSTALLS = [
    "RUN bundle",
    "RUN bundle install --jobs 4",
    "RUN cd app && bundle && rake",
    "RUN a && \\\n    bundle",
    "RUN composer install --no-dev",
    "RUN php -d memory_limit=-1 composer.phar install",
    "RUN mix do deps.get --only prod, compile",
    "RUN dart pub get",
    "RUN swift build -c release",
    "RUN R -e 'renv::restore()'",
]
OTHERS = [
    "RUN gem install bundler",
    "RUN bundle exec rake",
    "RUN bundle config set --local without test",
    "RUN composer global require hirak/prestissimo",
    "RUN composer dump-autoload",
    "RUN php composer-setup.php --install-dir=/usr/local/bin",
    "RUN apk add composer",
    "RUN mix compile",
    "RUN dart compile exe bin/a.dart",
]


@pytest.mark.parametrize("text", INSTALLS)
def test_installs(text: str) -> None:
    assert installing().search(f"FROM x\n{text}\nCOPY . .\n")


@pytest.mark.parametrize("text", OTHERS)
def test_others(text: str) -> None:
    assert not installing().search(f"FROM x\n{text}\nCOPY . .\n")


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("composer config -g vendor-dir /x", True),
        ("composer config --global github-oauth.github.com $TOKEN", False),
        ("composer global require drupal/coder", True),
        ("composer global require hirak/prestissimo", False),
        ("bundle config set local.billing /src", True),
        ("bundle config set --local path /app/gems", True),
        ("bundle config set --local path 'vendor/bundle'", False),
        ("bundle config set --local without 'test'", False),
    ],
)
def test_configures(text: str, does: bool) -> None:
    assert configures(text) is does
