"""dotnet: its command lines, and what a restore reads of projects and solutions."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from building import build

from rewrite import ecosystems
from rewrite.build.steps import Step
from rewrite.ecosystems import Command, Site, dotnet
from rewrite.ecosystems._dotnet_line import Line, read_line
from rewrite.model import Declined

Files = Mapping[str, str]
PLAIN = '<Project Sdk="Microsoft.NET.Sdk">{}</Project>'


def site(files: Files, run: str, before: str = "") -> Site:
    made = build(f"FROM mcr.microsoft.com/dotnet/sdk:8.0\nWORKDIR /src\n{before}COPY . .\nRUN {run}\n", files)
    (stage,) = made.stages
    found = made.run(stage.instructions[-1])
    return Site(made, stage, found, found.steps[-1])


def step(run: str, before: str = "") -> Step:
    return site({"a.csproj": PLAIN}, run, before).step


def line(run: str, before: str = "") -> Line:
    return read_line(step(run, before))


def command(files: Files, run: str = "dotnet restore", before: str = "") -> Command:
    where = site(files, run, before)
    found = ecosystems.recognise(where.step, where.view)
    assert found and found.ecosystem == "dotnet"
    return found


def reads(files: Files, run: str = "dotnet restore") -> set[str]:
    found = command(files, run)
    assert found.declined is None, found.declined.premise
    paths = {read.path.removeprefix("/src/") for read in found.reads}
    return {name for name in files if any(name == path or name.startswith(f"{path}/") for path in paths)}


def premise(files: Files, run: str = "dotnet restore") -> str:
    found = command(files, run)
    assert found.declined
    return found.declined.premise


@pytest.mark.parametrize(
    ("run", "verb", "operands", "options", "properties"),
    [
        ("dotnet restore a.csproj -r linux-x64", "restore", ("a.csproj",), {"--runtime": "linux-x64"}, {}),
        ("dotnet publish -c A /p:A=1 '-p:B=2;C=3'", "publish", (), {"--configuration": "A"}, {"B": "2", "C": "3"}),
        ("dotnet publish --self-contained false -o /app x", "publish", ("x",), {"--self-contained": "false"}, {}),
        ("dotnet build --no-restore -m:1 -v:q --property:X=y", "build", (), {"--no-restore": ""}, {"X": "y"}),
        ("dotnet tool install -g dotnet-ef --version 8.0", "tool install", ("dotnet-ef", "8.0"), {"--global": ""}, {}),
        ("dotnet restore -a $ARCH -p:V=$VERSION", "restore", (), {"--arch": "$ARCH"}, {"V": "$VERSION"}),
    ],
)  # fmt: skip
def test_lines(
    run: str, verb: str, operands: tuple[str, ...], options: Mapping[str, str], properties: Mapping[str, str]
) -> None:
    found = line(run, "ARG ARCH\nARG VERSION\n")
    assert (found.verb, found.operands) == (verb, operands)
    assert options.items() <= found.options.items() and properties.items() <= found.properties.items()


@pytest.mark.parametrize("run", ["dotnet restore --frobnicate", "dotnet restore $PROJECT", "dotnet build -o $OUT"])
def test_lines_that_are_not_known(run: str) -> None:
    with pytest.raises(Declined):
        line(run, "ARG PROJECT\nARG OUT\n")


def test_references_and_imports() -> None:
    files = {
        "api/api.csproj": PLAIN.format(
            '<Import Project="..\\eng\\a.props" Condition="Exists(\'..\\eng\\a.props\')" />'
            '<ItemGroup><ProjectReference Include="..\\core\\core.fsproj" /></ItemGroup>'
        ),
        "core/core.fsproj": PLAIN.format('<Import Project="$(MSBuildThisFileDirectory)deep.targets" />'),
        "core/deep.targets": "<Project />",
        "core/packages.lock.json": "{}",
        "eng/a.props": "<Project />",
        "Directory.Build.targets": "\ufeff<Project />",
        "NuGet.Config": "<configuration />",
        "core/Core.fs": "module Core",
        "other/other.csproj": PLAIN,
    }
    assert reads(files, "dotnet restore api") == set(files) - {"core/Core.fs", "other/other.csproj"}


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ('<Import Project="$(Root)/a.props" />', "which file $(Root)/a.props names"),
        ('<Import Project="eng/*.props" />', "which file eng/*.props names"),
        ('<Import Project="Sdk.props" Sdk="Own.Sdk" />', "what the SDK Own.Sdk reads"),
        ("<PropertyGroup Condition=\"Exists('$(X)')\" />", "which file $(X) names"),
        ("<PropertyGroup><V>$([System.IO.File]::ReadAllText('v'))</V></PropertyGroup>", "makes it read or write"),
        ("<PropertyGroup><RestoreSources>libs</RestoreSources></PropertyGroup>", "RestoreSources makes it"),
        ('<Target Name="x" AfterTargets="Restore" />', "the target x may run"),
        ('<Target Name="Generate" />', None),
        ('<Target Name="CollectPackageReferences" />', "may run in the restore"),
        ('<Target Name="x" BeforeTargets="BeforeBuild;Publish" />', None),
        ('<ItemGroup><PackageReference Include="@(Found)" /></ItemGroup>', "made of other items"),
    ],
)
def test_project_files_that_are_declined(more: str, text: str | None) -> None:
    files = {"a.csproj": PLAIN.format(more)}
    if text is None:
        assert reads(files) == {"a.csproj"}
    else:
        assert text in premise(files)


def test_other_files_that_are_declined() -> None:
    plain = {"a.csproj": PLAIN}
    assert "adds options" in premise({**plain, "Directory.Build.rsp": "-p:A=b"})
    assert "names directories of SDKs" in premise({**plain, "global.json": '{"sdk": {"paths": ["x"]}}'})
    assert "is no project" in premise({**plain, "a.slnf": "{}"}, "dotnet restore a.slnf")
    moved = '<configuration><config><add key="globalPackagesFolder" value="p" /></config></configuration>'
    assert "moves the packages" in premise({**plain, "nuget.config": moved})
    assert "document type" in premise({"a.csproj": "<!DOCTYPE x>" + PLAIN})
    assert "targets of the project run" in premise(plain, "dotnet build")


def test_what_is_no_project_command_reads_no_project() -> None:
    files = {"a.csproj": PLAIN, "global.json": "{}", ".config/dotnet-tools.json": "{}"}
    assert reads(files, "dotnet --info") == {"global.json"}
    assert reads(files, "dotnet tool install -g dotnet-ef") == {"global.json"}
    assert reads(files, "dotnet tool restore") == {"global.json", ".config/dotnet-tools.json"}
    assert command(files, "dotnet tool install dotnet-ef").declined


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("dotnet publish", "dotnet restore"),
        ('dotnet build "a.csproj" -c Debug', "dotnet restore a.csproj -p:Configuration=Debug"),
        ('dotnet publish -r "$RID" -p:A=$RID', 'dotnet restore --runtime "$RID" -p:A=$RID'),
        ("dotnet publish -p:Title='a b'", 'dotnet restore "-p:Title=a b"'),
        ("dotnet publish --no-restore", None),
        ("dotnet restore && dotnet publish", None),
        ("dotnet run", None),
    ],
)
def test_the_fetch_of_a_build(run: str, expected: str | None) -> None:
    found = dotnet.fetch(site({"a.csproj": PLAIN}, run, "ARG RID\n"))
    assert (found.command if found else None) == expected


def test_a_fetch_that_cannot_be_written() -> None:
    with pytest.raises(Declined, match=r"holds a \$"):
        dotnet.fetch(site({"a.csproj": PLAIN}, "dotnet publish -p:A='$B'"))
