"""Which environment variables known programs and install scripts of npm packages read; of all others nothing is known.

Facts: the packages' own sources as published on npm, in the versions that each entry names: ``process.env`` is read
nowhere else in them and in what they load. node, sh and git read a fixed set of their own (NODE_OPTIONS, GIT_DIR and
the like), which is never named as a commit or a build number is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..source import shell
from ..source.shelltree import commands_of

# What ci-info 2 to 4 looks at to tell that it runs in CI, and in whose; patch-package fails there where it only warned.
CI_INFO = frozenset(
    "AC_APPCIRCLE AC_GIT_PR AGOLA_GIT_REF AGOLA_PULL_REQUEST_ID APPCENTER_BUILD_ID APPVEYOR"
    " APPVEYOR_PULL_REQUEST_NUMBER BITBUCKET_COMMIT BITBUCKET_PR_ID BITRISE_IO BITRISE_PULL_REQUEST"
    " BUDDY_EXECUTION_PULL_REQUEST_ID BUDDY_WORKSPACE_ID BUILDER_OUTPUT BUILDKITE BUILDKITE_PULL_REQUEST"
    " BUILD_ID BUILD_NUMBER BUILD_REASON CF_BUILD_ID CF_PAGES CF_PULL_REQUEST_ID CF_PULL_REQUEST_NUMBER"
    " CHANGE_ID CI CIRCLECI CIRCLE_PULL_REQUEST CIRRUS_CI CIRRUS_PR CI_APP_ID CI_BUILD_EVENT CI_BUILD_ID"
    " CI_BUILD_NUMBER CI_MERGE_REQUEST_ID CI_NAME CI_PULL_REQUEST_NUMBER CI_XCODE_PROJECT CM_BUILD_ID"
    " CM_PULL_REQUEST CODEBUILD_BUILD_ARN CODEBUILD_WEBHOOK_EVENT CONTINUOUS_INTEGRATION DRONE"
    " DRONE_BUILD_EVENT DSARI EARTHLY_CI EAS_BUILD GERRIT_PROJECT GITEA_ACTIONS GITHUB_ACTIONS"
    " GITHUB_EVENT_NAME GITLAB_CI GO_PIPELINE_LABEL HARNESS_BUILD_ID HUDSON_URL IS_PULL_REQUEST JENKINS_URL"
    " LAYERCI LAYERCI_PULL_REQUEST MAGNUM NETLIFY NEVERCODE NEVERCODE_PULL_REQUEST NODE NOW_BUILDER PROW_JOB_ID"
    " PULL_REQUEST PULL_REQUEST_NUMBER RELEASE_BUILD_ID RENDER RUN_ID SAILCI SAIL_PULL_REQUEST_NUMBER"
    " SCREWDRIVER SD_PULL_REQUEST SEMAPHORE STRIDER TASK_ID TEAMCITY_VERSION TF_BUILD TRAVIS"
    " TRAVIS_PULL_REQUEST VELA VELA_PULL_REQUEST VERCEL VERCEL_GIT_PULL_REQUEST_ID XCS bamboo_planKey"
    " ghprbPullId".split()
)
_COLOURS = frozenset("CI CI_NAME COLORTERM FORCE_COLOR TEAMCITY_VERSION TERM TERM_PROGRAM TERM_PROGRAM_VERSION".split())
_CORE_JS = frozenset(
    "ADBLOCK BUILD_NUMBER CI CONTINUOUS_INTEGRATION DISABLE_OPENCOLLECTIVE DRONE OPEN_SOURCE_CONTRIBUTOR RUN_ID TMPDIR"
    " npm_config_color npm_config_loglevel".split()
)
_Fact = tuple[tuple[int, ...], tuple[int, ...], frozenset[str]]

# Programs that scripts call: the first and the last version that were read, and the variables.
_PROGRAMS: dict[str, _Fact] = {
    "cross-env": ((7, 0), (7, 0), frozenset()),
    "husky": ((9, 0), (9, 1), frozenset({"HUSKY", "npm_config_user_agent"})),
    "is-ci": ((3, 0), (4, 1), CI_INFO),
    "only-allow": ((1, 1), (1, 2), frozenset({"INIT_CWD", "npm_config_user_agent"})),
    "patch-package": (
        *((6, 5), (8, 0)),
        CI_INFO | _COLOURS | {"NODE_ENV", "PATCH_PACKAGE_INTEGRATION_TEST", "TEMP", "TMP", "TMPDIR"},
    ),
}
# Install scripts of dependencies, in the same way.
_INSTALL_SCRIPTS: dict[str, _Fact] = {
    "core-js": ((3, 20), (3, 45), _CORE_JS),
    "core-js-pure": ((3, 37), (3, 37), _CORE_JS),
    "es5-ext": ((0, 10, 62), (0, 10, 64), frozenset({"TZ"})),
    "esbuild": ((0, 17), (0, 27), frozenset({"ESBUILD_BINARY_PATH", "npm_config_user_agent"})),
    "protobufjs": ((6, 11), (7, 5), frozenset()),
}
_BUILTINS = frozenset({"echo", "true", "false", ":", "exit", "test", "["})
_DEEPEST = 5


def install_script_variables(name: str, version: str) -> frozenset[str] | None:
    """Return the variables that the install script of a package reads, None if that is not known."""
    return _known(_INSTALL_SCRIPTS.get(name), version)


def script_variables(
    text: str, scripts: Mapping[str, Any], versions: Mapping[str, str], depth: int = 0
) -> frozenset[str] | None:
    """Return the variables that a script of package.json may read; None if that may be any.

    `scripts` are those of the same package, for ``npm run``; `versions` are the lockfile's, by the package's name.
    """
    try:
        tree = shell.parse(text)
    except shell.NotUnderstood:
        return None
    # What a script names, it may read.
    found = set(re.findall(r"\w+", text))
    for command in commands_of(tree):
        if isinstance(command, shell.Compound):
            continue
        words = [word.value for word in command.words]
        while words and (words[0] in ("exec", "npx") or (words[0] or "").startswith("cross-env")):
            starter, words = words[0], words[1:]
            if starter not in ("exec", "npx"):
                if _known(_PROGRAMS["cross-env"], versions.get("cross-env", "")) is None or starter != "cross-env":
                    return None
                while words and re.match(r"\w+=", words[0] or ""):
                    words = words[1:]
        read = _command(words, scripts, versions, depth)
        if read is None:
            return None
        found |= read
    return frozenset(found)


def _command(
    words: list[str | None], scripts: Mapping[str, Any], versions: Mapping[str, str], depth: int
) -> frozenset[str] | None:
    if not words or words[0] in _BUILTINS:
        return frozenset()
    if words[0] == "npm" and len(words) == 3 and words[1] in ("run", "run-script") and depth < _DEEPEST:
        found: set[str] = set()
        for name in (f"pre{words[2]}", str(words[2]), f"post{words[2]}"):
            read = script_variables(str(scripts.get(name, "")), scripts, versions, depth + 1)
            if read is None:
                return None
            found |= read
        return frozenset(found)
    return _known(_PROGRAMS.get(words[0] or ""), versions.get(words[0] or "", ""))


def _known(fact: _Fact | None, version: str) -> frozenset[str] | None:
    """Return what a fact says of a version: that it was read, or lies between two that were."""
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", version)
    if fact is None or match is None:
        return None
    numbers = tuple(int(part) for part in match.groups())
    first, last, names = fact
    return names if first <= numbers[: len(first)] and numbers[: len(last)] <= last else None
