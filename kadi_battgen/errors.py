"""The error that a user can act on."""

from __future__ import annotations


class UserError(Exception):
    """Something in the input or the environment is wrong, and the user can put it right.

    The message is one sentence that names the file, the field and the value, and says the way out. The command line
    prints it without a traceback and exits with status 2.
    """
