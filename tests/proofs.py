"""Findings as `dockerfix verify` makes them, for the tests of its reports: two projects, failures, hostile names."""

from __future__ import annotations

from collections.abc import Sequence

from rewrite.verify.compare import BYTE_CODE, CACHE, DATABASE, IGNORED, NOISE, Difference
from rewrite.verify.outcome import Scenario, Side, StepTime, Timing, Verdict, Verification

PYTHON_BEFORE = (
    ("[internal] load build context", 0.31),
    ("[1/6] FROM docker.io/library/python:3.12-slim", 0.02),
    ("[2/6] WORKDIR /app", 0.05),
    ("[3/6] RUN apt-get update && apt-get install -y --no-install-recommends libpq5 curl", 11.82),
    ("[4/6] COPY . .", 0.22),
    ("[5/6] RUN pip install --no-cache-dir -r requirements.txt", 27.46),
    ("[6/6] RUN python -m compileall -q app", 0.93),
    ("exporting to image", 2.14),
)
PYTHON_AFTER = (
    ("[internal] load build context", 0.11),
    ("[1/7] FROM docker.io/library/python:3.12-slim", 0.02),
    ("[2/7] WORKDIR /app", 0.05),
    (
        "[3/7] RUN --mount=type=cache,target=/var/cache/apt,sharing=locked "
        "--mount=type=cache,target=/var/lib/apt/lists,sharing=locked "
        "apt-get update && apt-get install -y --no-install-recommends libpq5 curl",
        11.64,
    ),
    ("[4/7] COPY requirements.txt .", 0.03),
    ("[5/7] RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt", 26.91),
    ("[6/7] COPY . .", 0.19),
    ("[7/7] RUN python -m compileall -q app", 0.91),
    ("exporting to image", 2.09),
)
NODE_BEFORE = (
    ("[internal] load build context", 1.84),
    ("[build 1/5] FROM docker.io/library/node:22", 0.01),
    ("[build 2/5] WORKDIR /srv", 0.04),
    ("[build 3/5] COPY . .", 1.12),
    ("[build 4/5] RUN npm ci", 18.7),
    ("[build 5/5] RUN npm run build", 6.35),
    ("[stage-1 2/3] RUN apt-get update && apt-get install -y tini", 9.4),
    ("[stage-1 3/3] COPY --from=build /srv/dist /srv", 0.2),
    ("exporting to image", 1.5),
)


def step(name: str, seconds: float, cached: bool = False) -> StepTime:
    return StepTime(name, seconds, cached, internal=name.startswith(("[internal]", "exporting")))


def timing(
    steps: Sequence[tuple[str, float]],
    cached: Sequence[int] = (),
    *,
    faster: dict[int, float] | None = None,
    repeats: Sequence[float] = (0.0,),
    overhead: float = 0.6,
    sent: int | None = None,
) -> Timing:
    """Return a timing: `cached` and `faster` (new seconds) are indexes of `steps`, `repeats` are added seconds."""
    times = [
        step(name, 0.0 if index in cached else (faster or {}).get(index, seconds), index in cached)
        for index, (name, seconds) in enumerate(steps)
    ]
    total = sum(item.seconds for item in times) + overhead
    return Timing(tuple(round(total + more, 3) for more in repeats), tuple(times), sent)


REPEATS = (0.0, 0.41, -0.28)
PYTHON = Verification(
    path="Dockerfile",
    verdict=Verdict.EQUIVALENT,
    engine="Docker 28.5.1 (buildx)",
    context=".",
    differences=(
        Difference("/app/.pytest_cache", "missing", "directory 0755 0:0", "", IGNORED),
        Difference("/app/.pytest_cache/README.md", "missing", "file 0644 0:0", "", IGNORED),
        Difference("/app/app/__pycache__/main.cpython-312.pyc", "content", "812 bytes", "812 bytes", BYTE_CODE),
        *(
            Difference(
                f"/usr/lib/python3/__pycache__/m{n}.cpython-312.pyc", "content", "99 bytes", "99 bytes", BYTE_CODE
            )
            for n in range(6)
        ),
        Difference("/root/.cache/pip", "missing", "directory 0755 0:0", "", CACHE),
        Difference("/var/cache/ldconfig/aux-cache", "content", "4211 bytes", "4211 bytes", DATABASE),
        Difference("/app/build-id", "content", "36 bytes", "36 bytes", NOISE),
    ),
    before=Side(412_345_678),
    after=Side(398_123_456),
    scenarios=(
        Scenario(
            "cold",
            "nothing cached",
            timing(PYTHON_BEFORE, repeats=REPEATS, sent=2_140_000),
            timing(PYTHON_AFTER, repeats=REPEATS, sent=1_020_000),
        ),
        Scenario(
            "unchanged",
            "build again",
            timing(PYTHON_BEFORE, range(1, 7), faster={0: 0.05, 7: 0.04}, repeats=(0.0, 0.1, 0.02), sent=3_100),
            timing(PYTHON_AFTER, range(1, 8), faster={0: 0.05, 8: 0.04}, repeats=(0.0, 0.1, 0.02), sent=3_200),
        ),
        Scenario(
            "source-edit",
            "edit app/main.py",
            timing(PYTHON_BEFORE, (1, 2, 3), faster={0: 0.08}, repeats=REPEATS, sent=14_300),
            timing(PYTHON_AFTER, (1, 2, 3, 4, 5), faster={0: 0.06, 8: 0.21}, repeats=REPEATS, sent=14_300),
        ),
        Scenario(
            "manifest-edit",
            "add a line to requirements.txt",
            timing(PYTHON_BEFORE, (1, 2, 3), faster={0: 0.08}, repeats=REPEATS, sent=9_800),
            timing(PYTHON_AFTER, (1, 2, 3), faster={0: 0.06, 5: 6.2}, repeats=REPEATS, sent=9_800),
        ),
        Scenario(
            "readme-edit",
            "edit README.md",
            timing(PYTHON_BEFORE, (1, 2, 3), faster={0: 0.08}, repeats=REPEATS, sent=14_300),
            timing(PYTHON_AFTER, range(1, 8), faster={0: 0.04, 8: 0.04}, repeats=REPEATS, sent=2_900),
        ),
        Scenario("new-base", "another python:3.12-slim", skipped="the engine holds only one image of that name"),
        Scenario(
            "imported-cache",
            "edit app/main.py, an empty builder, the cache imported",
            timing(PYTHON_BEFORE, (1, 2, 3), faster={0: 0.3}, repeats=REPEATS, overhead=3.4, sent=2_140_000),
            Timing(
                (6.1, 5.8, 6.4),
                (
                    *(StepTime(name, 0.0, cached=True) for name, _ in PYTHON_AFTER[1:5]),
                    StepTime(PYTHON_AFTER[5][0], 3.2, cached=True),
                    StepTime("[6/7] COPY . .", 0.2, cached=False),
                    StepTime("[7/7] RUN python -m compileall -q app", 0.9, cached=False),
                ),
                1_020_000,
            ),
        ),
    ),
)
NODE = Verification(
    path="services/web/Dockerfile",
    verdict=Verdict.DIFFERENT,
    engine="Docker 28.5.1 (buildx)",
    context="services/web",
    differences=(
        Difference("config.env.NODE_ENV", "value", "production", ""),
        Difference("/srv/node_modules/.package-lock.json", "content", "18212 bytes", "18340 bytes"),
        Difference("/srv/server.js", "mode", "0644", "0755", edit="source-edit"),
        Difference("/root/.npm/_cacache/tmp", "missing", "directory 0755 0:0", "", CACHE),
    ),
    before=Side(1_240_000_000),
    after=Side(1_240_000_000),
    scenarios=(
        # Two stages build side by side: the steps take longer than the clock.
        Scenario(
            "cold",
            "nothing cached",
            Timing((31.2,), tuple(step(name, seconds) for name, seconds in NODE_BEFORE), 48_300_000),
            Timing((34.5,), tuple(step(name, seconds * 1.1) for name, seconds in NODE_BEFORE), 2_100_000),
        ),
        Scenario("new-commit", "commit everything", Timing((26.3,)), Timing((1.3,))),
    ),
)
NOT_BUILT = Verification(
    path="legacy/Dockerfile",
    verdict=Verdict.NOT_BUILT,
    engine="Docker 28.5.1 (buildx)",
    context="legacy",
    before=Side(
        log="#7 [3/4] RUN pip install -r requirements.txt\n"
        "\x1b[91mERROR: Could not find a version that satisfies the requirement oldlib==0.1\x1b[0m\n"
        "Downloading  10%\rDownloading 100%\n"
        'process "/bin/sh -c pip install -r requirements.txt" did not complete successfully: exit code: 1\n'
    ),
)
BROKEN = Verification("a/Dockerfile", Verdict.BROKEN, "Docker 28.5.1 (buildx)", "a", after=Side(log="no such file\n"))
UNCHANGED = Verification("b/Dockerfile", Verdict.UNCHANGED)

HOSTILE_NAME = (
    "<script>document.title='run'</script><img src=http://example.org/x onerror=\"document.title='run'\">"
    "</title></svg></details>\"'`` :tada:\n```\n~~~ | @someone #1 \x1b[31m \udcff \u202e {{ 7 * 7 }} [bold]x[/bold]"
)
HOSTILE = Verification(
    path=HOSTILE_NAME,
    verdict=Verdict.DIFFERENT,
    engine=HOSTILE_NAME,
    context=HOSTILE_NAME,
    differences=(
        Difference("/" + HOSTILE_NAME, "content", HOSTILE_NAME, HOSTILE_NAME),
        Difference("/" + HOSTILE_NAME, "content", "", "", HOSTILE_NAME),
    ),
    before=Side(1, HOSTILE_NAME),
    after=Side(2, HOSTILE_NAME),
    scenarios=(
        Scenario(
            "source-edit",
            HOSTILE_NAME,
            Timing((9.0,), (StepTime(HOSTILE_NAME, 8.0, False), StepTime(HOSTILE_NAME, 0.0, True))),
            Timing((4.0,), (StepTime(HOSTILE_NAME, 3.0, False), StepTime(HOSTILE_NAME, 0.0, True))),
        ),
        Scenario("new-base", HOSTILE_NAME, skipped=HOSTILE_NAME),
    ),
)
ALL = (PYTHON, NODE, NOT_BUILT, BROKEN, UNCHANGED)
