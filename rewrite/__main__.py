"""The command `dockerfix`, also `python -m rewrite`."""

from __future__ import annotations

import sys

from . import __version__


def main() -> int:
    """Run the command and return its exit code.

    `--version` alone is answered before click is imported, which takes several times as long as Python's own start.
    """
    if sys.argv[1:] == ["--version"]:
        print(f"dockerfix {__version__}")
        return 0
    from .cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
