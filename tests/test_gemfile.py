"""Gemfiles are read where they are plain declarations, and declined at the first line that is more."""

from __future__ import annotations

import pytest

from rewrite.ecosystems._gemfile import parse_gemfile
from rewrite.model import Declined

PLAIN = """\
# frozen_string_literal: true
source "https://example.org"
git_source(:github) { |repo| "https://example.org/#{repo}.git" }
git_source(:own) do |name|
  name = "#{name}/#{name}" unless name.include?("/")
  "https://example.org/#{name}.git"
end

ruby File.read(".ruby-version").strip
gem "rails", "~> 7.1.3", ">= 7.1.3.2" # not edge
gem("tzinfo-data", platforms: %i[ windows jruby ])
gem 'bootsnap', require: false; gem "puma"
gem "engine",
  path: "engines/a",
  require: ["x",
    "y"]
group :development, :test do
  gem "debug", platforms: [:mri, "windows"]
  path "tools" do
    gem "linter"
  end
end
source "https://example.org/private" do
  gem "closed"
end
gemspec path: "core"
"""
MORE = [
    'eval_gemfile "x"',
    'gem "a" if ENV["X"]',
    'gem "a", ENV["V"]',
    'gem "a#{x}"',
    'if true\n  gem "a"\nend',
    'plugin "x"',
    'group :x do\ngem "a"',
    'gem "a", install_if: -> { true }',
    "x = 1",
    'gem "a", `ls`',
    'gem "a", File.read("VERSION")',
    'gem "a", git: "./vendor/a"',
    'gem "a", unknown: "b"',
    "end",
    'gem "a"\n=begin\n=end',
    'gem "a" do\nend',
    'git_source(:x) { |r| "#{File.read(r)}" }',
    'ruby File.read("x" + y)',
    'source "file:///gems"',
    "path = 1",
]


def test_plain() -> None:
    found = parse_gemfile(PLAIN, "Gemfile")
    assert found.paths == ["engines/a", "tools"]
    assert found.gemspecs == ["core"]
    assert found.files == [".ruby-version"]
    assert not found.git


@pytest.mark.parametrize("text", ['gem "a", github: "b/a"', 'git "https://example.org/a.git" do\n  gem "a"\nend'])
def test_git(text: str) -> None:
    assert parse_gemfile(text, "Gemfile").git


@pytest.mark.parametrize("text", MORE)
def test_more_than_plain(text: str) -> None:
    with pytest.raises(Declined, match="more than plain declarations") as caught:
        parse_gemfile(f"# first\n{text}\n", "Gemfile")
    assert caught.value.because is not None
    assert caught.value.because.line >= 2
