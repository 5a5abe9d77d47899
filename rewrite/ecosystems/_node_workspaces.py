"""The members of a workspace, found by the patterns of their directories."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..model import Declined
from ._members import above, files_below, matches
from ._node_package import Package


def workspace_members(
    root: Package, view: View, patterns: Sequence[str] | None = None, excluded: Sequence[str] = ()
) -> Iterator[Package]:
    """Yield the members of the workspace at `root` that the view has, in the order of their directories.

    `patterns` are those of package.json if they are not given; `excluded` are patterns of what is no member. Raises
    Declined for patterns that package managers may read in another way.
    """
    wanted = root.workspaces if patterns is None else patterns
    patterns, excluded = ([one.removeprefix("./").strip("/") for one in some] for some in (wanted, excluded))
    place = view.place(root.path("package.json"))
    for pattern in (*patterns, *excluded):
        if pattern.startswith("!") or set(pattern) & set("{}()[]\\") or ".." in pattern.split("/"):
            raise Declined(f"its workspaces use the pattern {pattern}", place)
    found = []
    for path, is_link in files_below(root.directory, view) if patterns else ():
        names = posixpath.relpath(path, root.directory).split("/")
        if "node_modules" in names or names == ["package.json"]:
            continue
        leads = is_link and view.is_dir(path)
        if leads and any(matches(names, pattern.split("/"), partly=True) for pattern in patterns):
            raise Declined(f"{path} is a symbolic link where its workspaces are", view.place(path))
        is_member = any(matches(names[:-1], pattern.split("/")) for pattern in patterns)
        is_member = is_member and not any(matches(names[:-1], pattern.split("/")) for pattern in excluded)
        if names[-1] == "package.json" and is_member:
            found.append(posixpath.dirname(path))
    for directory in sorted(set(found)):
        member = Package.parse(directory, view)
        if member is None:
            raise Declined("a workspace member's package.json cannot be read", view.place(f"{directory}/package.json"))
        yield member


def no_workspace_above(root: str, view: View) -> None:
    """Decline if `root` may be a member of a workspace whose root lies above it: that is what is installed."""
    for directory in above(root):
        package = Package.parse(directory, view)
        if package and package.workspaces:
            place = view.place(posixpath.join(directory, "package.json"))
            raise Declined(f"{root} may be a member of the workspace at {directory}", place)
