"""Values in a workflow: texts all of them, read as numbers or truth values where a port asks for one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from kadi_battgen.errors import UserError

if TYPE_CHECKING:
    from kadi_battgen.flows.tools import Parameter

#: Bytes of a value: Linux passes no longer argument to a program.
LONGEST_VALUE = 131_071

#: ``${name}`` stands for the variable's value.
VARIABLE = re.compile(r"\$\{([^${}]*)\}")

_FORMATTED = re.compile(r"\$\{([^${}]*)\}|%([0-9]{1,2})")
_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0", ""})
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_LONGEST_NUMBER = 64
#: Numbers beyond are no index of a loop.
_LARGEST_INDEX = Decimal(10) ** 15


class Placeholder(str):
    """A value that a dry run cannot know, such as what a tool will print; it reads as a description of itself."""

    __slots__ = ()


def shown(value: object, longest: int = 80) -> str:
    """Return `value` as it may stand in a message: quoted, on one line and not longer than `longest` characters."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = repr(str(value[: longest + 1])) if isinstance(value, str) else repr(value)
    return text if len(text) <= longest else f"{text[: longest - 4]}...{text[0] if isinstance(value, str) else ''}"


def checked_value(text: str, what: str) -> str:
    """Return `text` if a program can be given it.

    Parameters
    ----------
    text
        The value.
    what
        What it is, for the error.

    Raises
    ------
    UserError
        If it is too long, holds a NUL character, or is no Unicode text.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise UserError(f"{what} is no Unicode text: give it without half surrogate pairs.") from error
    if size > LONGEST_VALUE:
        raise UserError(f"{what} is longer than {LONGEST_VALUE} bytes: pass it in a file instead.")
    if "\0" in text:
        raise UserError(f"{what} holds a NUL character, which no program can be given: remove it.")
    return text


def expand(text: str, variable: Callable[[str], str], inputs: Sequence[str] | None = None) -> str:
    """Return `text` with every ``${name}`` replaced by a variable, once: what is put in is not looked at again.

    Parameters
    ----------
    text
        What the author of the workflow wrote.
    variable
        Returns a variable's value by its name.
    inputs
        For a format string: what replaces ``%0``, ``%1``, ...; without it, percent signs stay.

    Returns
    -------
    expanded
        A :class:`Placeholder` if any part of it is one.

    Raises
    ------
    UserError
        If it becomes longer than a value may be.
    """
    unknown = False
    length = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal unknown, length
        if match.lastindex == 1 or inputs is None:
            value, rest = variable(match[1]), ""
        else:
            digits = match[2] if int(match[2]) < len(inputs) else match[2][0]
            value, rest = (inputs[int(digits)] if int(digits) < len(inputs) else f"%{digits}"), match[2][len(digits) :]
        unknown = unknown or isinstance(value, Placeholder)
        length += len(value)
        if length > LONGEST_VALUE:
            raise UserError(f"{shown(text)} becomes longer than {LONGEST_VALUE} characters: shorten its variables.")
        return value + rest

    expanded = (VARIABLE if inputs is None else _FORMATTED).sub(replaced, text)
    return Placeholder(expanded) if unknown else expanded


def truth(text: str, what: str) -> bool:
    """Return the truth value that `text` stands for.

    Raises
    ------
    UserError
        If it stands for none.
    """
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise UserError(f"{what} is {shown(text)}, which is neither true nor false: give 1 or 0.")


def number(text: str, what: str) -> Decimal:
    """Return the finite number that `text` stands for.

    Raises
    ------
    UserError
        If it stands for none.
    """
    word = text.strip()
    if len(word) <= _LONGEST_NUMBER and _NUMBER.fullmatch(word):
        try:
            value = Decimal(word)
        except InvalidOperation:
            pass
        else:
            if value.is_finite():
                return value
    raise UserError(f"{what} is {shown(text)}, which is not a number: give one such as 3.5.")


def integer(text: str, what: str) -> int:
    """Return the integer that `text` stands for.

    Raises
    ------
    UserError
        If it stands for none.
    """
    word = text.strip()
    if len(word) <= _LONGEST_NUMBER and re.fullmatch(r"[+-]?\d+", word, re.ASCII):
        return int(word)
    raise UserError(f"{what} is {shown(text)}, which is not an integer: give one such as 16.")


def index(text: str, what: str) -> Decimal:
    """Return a bound or step of a loop, a number of moderate size.

    Raises
    ------
    UserError
        If it is none.
    """
    value = number(text, what)
    exponent = value.as_tuple().exponent
    if abs(value) > _LARGEST_INDEX or not isinstance(exponent, int) or exponent < -12:
        raise UserError(f"{what} is {shown(text)}, too large or too fine to count with: give a number such as 10.")
    return value


def plain(value: Decimal) -> str:
    """Return a loop's index as text: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def check_value(text: str, kind: str, what: str, parameter: Parameter | None = None) -> None:
    """Check that `text` is a value of a port's type.

    Parameters
    ----------
    text
        The value.
    kind
        The port's type as in a tool's XML.
    what
        What the value is for, for the error.
    parameter
        The tool's own definition, if known: its choices and bounds are checked as well.

    Raises
    ------
    UserError
        If it is not.
    """
    family = TYPES.get(kind, "str")
    value: Decimal | None = None
    if family == "bool":
        truth(text, what)
    elif family == "int" or kind == "long_range":
        value = Decimal(integer(text, what))
    elif family == "float" or kind == "real_range":
        value = number(text, what)
    if parameter is None:
        return
    if value is not None:
        low, high = parameter.minimum, parameter.maximum
        if (low is not None and value < Decimal(low)) or (high is not None and value > Decimal(high)):
            bounds = (
                f"at least {low:g}" if high is None else f"at most {high:g}" if low is None else f"{low:g} to {high:g}"
            )
            raise UserError(f"{what} is {shown(text)}, out of range: give {bounds}.")
    if parameter.choices:
        known = parameter.choices if parameter.case_sensitive else [choice.lower() for choice in parameter.choices]
        if (text if parameter.case_sensitive else text.lower()) not in known:
            raise UserError(f"{what} is {shown(text)}: give one of {', '.join(parameter.choices)}.")


#: Types of ports by their names in a .flow file or a tool's XML; any other type is a text. Ranges are texts to the
#: editors, which know only the plain names.
TYPES = {
    "int": "int",
    "integer": "int",
    "long": "int",
    "float": "float",
    "real": "float",
    "bool": "bool",
    "flag": "bool",
    "dependency": "dependency",
    "pipe": "pipe",
    "env": "env",
}
