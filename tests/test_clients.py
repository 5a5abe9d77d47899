"""What is told of a client that fails while its output is read."""

from __future__ import annotations

import sys

import pytest

from rewrite.verify.clients import streamed
from rewrite.verify.engine import EngineError


def test_a_client_that_fails_says_why_whatever_its_reader_made_of_it() -> None:
    code = "import sys; sys.exit('empty export - not implemented')"
    with pytest.raises(EngineError, match="empty export - not implemented"), streamed(sys.executable, "-c", code):
        raise ValueError("no archive")


def test_a_reader_s_own_error_is_its_own() -> None:
    with pytest.raises(ValueError, match="no archive"), streamed(sys.executable, "-c", "print('all')"):
        raise ValueError("no archive")
