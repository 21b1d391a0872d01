"""Checking that a campaign can be read by a trained model."""

from __future__ import annotations

from typing import Any

from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.afm.tips import tips_of
from kadi_battgen.errors import UserError

#: Conventions that may differ between training and use: they do not change what an image means.
_INCIDENTAL = frozenset({"device", "ppafm"})


def check_campaign(card: dict[str, Any], campaign: AfmCampaign) -> None:
    """Check that a campaign has the image size and the conventions a translator was trained on.

    Parameters
    ----------
    card
        The translator's card.
    campaign
        An open campaign.

    Raises
    ------
    UserError
        If image size, scan window, heights, tip or another convention differs.
    """
    shape = list(campaign.stack(0).shape[-2:]) if len(campaign.valid) else list(card["image_shape"])
    if shape != list(card["image_shape"]):
        raise UserError(
            f"{campaign.path} holds images of {shape[0]} x {shape[1]} pixels, but the model was trained on "
            f"{card['image_shape'][0]} x {card['image_shape'][1]}: simulate with the settings of the training."
        )
    trained = card["conventions"]
    here, there = (f"a {' and a '.join(tips_of(conventions))} tip" for conventions in (campaign.conventions, trained))
    if here != there:
        raise UserError(
            f"{campaign.path} holds stacks of {here}, but the model was trained with {there}: simulate with the settings of "
            "the training (--charges)."
        )
    for name in sorted(set(trained) | set(campaign.conventions)):
        if name not in _INCIDENTAL and trained.get(name) != campaign.conventions.get(name):
            raise UserError(
                f"{campaign.path} was simulated with {name} = {campaign.conventions.get(name)}, but the model was trained "
                f"with {trained.get(name)}: simulate with the settings of the training."
            )
