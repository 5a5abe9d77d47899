"""mix.exs and config/*.exs are programs: what they may look at is known, or they are declined."""

from __future__ import annotations

import pytest

from rewrite.ecosystems._elixir_source import judge
from rewrite.model import Declined, Place

PLACE = Place("mix.exs")
KNOWN = [
    'version: "1.0.0", elixir: "~> 1.15" # File.read!(x)',
    'elixirc_paths: if(Mix.env() == :test, do: ["lib", "test"], else: ["lib"])',
    'source_url: "https://example.org/Foo.git"',
    'cd: Path.expand("../assets", __DIR__)',
    "config :shop, Shop.Repo, adapter: Ecto.Adapters.Postgres, pool: 1..3",
    'import_config "#{config_env()}.exs"',
    "args: ~w(js/app.js --bundle --target=es2017)",
    "escript: [main_module: Shop.CLI], x: &String.trim/1",
    'description: """\nCalls File.read!(x) for you.\n"""',
]
UNKNOWN = [
    "File.read!(name)",
    '@x File\n@x.read!("a")',
    'mod = File; mod.read!("a")',
    'apply(File, :read!, ["a"])',
    ':os.cmd(~c"ls")',
    "import File",
    'alias File, as: F\nF.read!("a")',
    '"#{File.read!(x)}"',
    '"\\"#{File.ls!(1)}"',
    'Code.eval_file("a")',
    "&File.read!/1",
    'System.cmd("git", [])',
    'File\n.read!("x")',
    'File .read!("x")',
    'Mix.Task.run("x")',
    'Path.wildcard("x")',
    'Mix.shell().cmd("x")',
    '"a" |> File.read!()',
    'Elixir.File.read!("x")',
    "use Foo",
    '%{a: File}.a.read!("x")',
    '(File).read!("x")',
    'then(File, & &1.read!("x"))',
    ':"Elixir.File".read!("x")',
    'File.read!("VERSION") |> System.shell()',
    'x = ?"\nFile.read!(y)',
]


@pytest.mark.parametrize("text", KNOWN)
def test_known(text: str) -> None:
    assert judge(text, PLACE).files == ()


@pytest.mark.parametrize("text", UNKNOWN)
def test_unknown(text: str) -> None:
    with pytest.raises(Declined, match="looks at is not known") as caught:
        judge(f"# one\n{text}\n", PLACE)
    assert caught.value.because is not None
    assert caught.value.because.line >= 2


def test_files_and_environment() -> None:
    found = judge('version: String.trim(File.read!("VERSION")), x: System.get_env("X")', PLACE)
    assert found.files == ("VERSION",)
    assert found.environment
