"""dockerfix: rewrites Dockerfiles so that their builds stay cached, correct and small, and says why."""

__version__ = "0.1.0"
