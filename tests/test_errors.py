"""The error that a user can act on is no programming error in disguise."""

from __future__ import annotations

from kadi_battgen.errors import UserError


def test_a_user_error_is_its_sentence():
    error = UserError("data.h5 is empty: make it again.")
    assert str(error) == "data.h5 is empty: make it again."
    assert not isinstance(error, ValueError | OSError | RuntimeError)
