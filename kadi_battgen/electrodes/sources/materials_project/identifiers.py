"""The Materials Project's identifiers in one notation.

A material is a prefix and a number. Until 2025 the number was written with digits (``mp-1002``); newer identifiers write
it with letters, a = 0 ... z = 25 with the most significant first (``mp-bmo``, or padded to eight letters ``mp-aaaaabmo``).
Both name the same material, and the interface answers in either. Like the Materials Project itself we write digits for all
numbers that were given out with digits, and eight letters for those since.
"""

from __future__ import annotations

from collections.abc import Iterable

#: Letters that newer identifiers are padded to.
LETTERS = 8


def normalised_id(identifier: str) -> str:
    """Return the identifier of a material in the Materials Project's own notation, ``mp-1002`` for ``mp-aaaaabmo``.

    Raises
    ------
    ValueError
        If it is none.
    """
    from emmet.core.mpid import AlphaID

    prefix, separator, rest = str(identifier).partition("-")
    if not separator:
        prefix, rest = "mp", prefix
    # Digits and lower-case letters that are not of ASCII are no identifier either, but they would pass for one below.
    if not prefix.isalpha() or not rest.isascii() or not (rest.isdigit() or (rest.isalpha() and rest.islower())):
        raise ValueError(f"{identifier!r} is no identifier such as mp-1002")
    number = int(rest) if rest.isdigit() else int(AlphaID(rest))
    return AlphaID(number, padlen=LETTERS, prefix=prefix).string


def battery_id(material_ids: Iterable[str], working_ion: str) -> str:
    """Return the identifier of an electrode, the smallest of its materials with the working ion: ``mp-22526_Li``.

    The interface computes it in the same way (``InsertionElectrodeDoc.battery_id``) and so does not send it.

    Parameters
    ----------
    material_ids
        All materials with the electrode's host, normalised. Those of the oldest collection (``mvc-``) count only where
        there are no others.
    working_ion
        Symbol of the working ion.

    Raises
    ------
    ValueError
        If there are no materials.
    """
    return f"{min(material_ids, key=_age)}_{working_ion}"


def _age(identifier: str) -> tuple[bool, int, str]:
    from emmet.core.mpid import AlphaID

    prefix, _, rest = identifier.partition("-")
    return prefix == "mvc", int(rest) if rest.isdigit() else int(AlphaID(rest)), identifier
