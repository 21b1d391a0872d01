"""The networks that translate stacks into descriptors in a model folder: the translator and what it is compared with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import nn

from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.networks.baseline import BaselineTranslator
from kadi_battgen.training.checkpoints import CARD, load_model
from kadi_battgen.training.settings import TranslationSettings

#: The mean absolute error over all channels and nothing else.
_L1_ALONE: Mapping[str, Any] = MappingProxyType(
    {
        "grey_loss": "l1",
        "grey_weight": 0.5,
        "type_map_loss": "l1",
        "type_map_weight": 0.5,
        "class_weight": 0.0,
        "class_sharpness": 1.0,
        "structure_weight": 0.0,
        "feature_weight": 0.0,
        "style_weight": 0.0,
        "feature_network": None,
        "kl_weight": 0.0,
        "adversarial_weight": 0.0,
    }
)

#: L1 with weight 100 against one binary cross-entropy of one discriminator for all channels from the first step on (Isola et
#: al., CVPR 2017, sections 3.1 and 3.3).
_PIX2PIX: Mapping[str, Any] = MappingProxyType(
    {
        **_L1_ALONE,
        "adversarial_loss": "binary-cross-entropy",
        "adversarial_weight": 0.01,
        "adversarial_start": 0,
        "adversarial_rise": 0,
        "adversarial_adaptive": False,
        "discriminator_branches": 1,
        "discriminator_steps": 1,
    }
)


@dataclass(frozen=True)
class Translator:
    """One kind of translating network.

    Attributes
    ----------
    name
        What it is called in metrics.
    kind
        Its folder in a model folder, and the kind on its card.
    title
        What it is called in sentences.
    network
        Its class, built from the architecture on the card.
    architecture
        Those arguments of the class that follow from its settings.
    objective
        What its settings are whatever the translator's are; None for the translator itself.
    """

    name: str
    kind: str
    title: str
    network: Callable[..., nn.Module]
    architecture: Callable[[TranslationSettings], dict[str, Any]]
    objective: Mapping[str, Any] | None = field(default=None)

    def settings(self, settings: TranslationSettings) -> TranslationSettings:
        """Return the settings that this network is trained with beside a translator of `settings`."""
        if self.objective is None:
            return settings.model_copy(update={"baselines": ()})
        loop = settings.loop.model_copy(update={"epochs": settings.baseline_epochs})
        return settings.model_copy(update={**self.objective, "loop": loop, "baselines": ()})


def _autoencoder(settings: TranslationSettings) -> dict[str, Any]:
    return {
        "channels": list(settings.channels),
        "residual_blocks": settings.residual_blocks,
        "attention_levels": list(settings.attention_levels),
        "latent_channels": settings.latent_channels,
        "type_map": settings.type_map,
        "class_sharpness": settings.class_sharpness,
    }


def _unet(settings: TranslationSettings) -> dict[str, Any]:
    return {"features": list(settings.baseline_features)}


#: All kinds by name, the translator first.
TRANSLATORS: Mapping[str, Translator] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            Translator("translator", "translation", "the translator", TranslationAutoencoder, _autoencoder),
            Translator(
                "same_network_l1",
                "baseline_same_network_l1",
                "the same network with L1 alone",
                TranslationAutoencoder,
                _autoencoder,
                _L1_ALONE,
            ),
            Translator("unet_l1", "baseline_unet_l1", "the U-Net with L1 alone", BaselineTranslator, _unet, _L1_ALONE),
            Translator(
                "unet_pix2pix", "baseline_unet_pix2pix", "the pix2pix U-Net", BaselineTranslator, _unet, _PIX2PIX
            ),
        )
    }
)


def trained_translators(model_folder: str | os.PathLike[str]) -> list[Translator]:
    """Return the kinds that a model folder holds, the translator first."""
    return [entry for entry in TRANSLATORS.values() if (Path(model_folder) / entry.kind / CARD).is_file()]


def load_translating_network(
    model_folder: str | os.PathLike[str], translator: Translator
) -> tuple[nn.Module, dict[str, Any]]:
    """Return a trained network of a kind, in evaluation mode, with its card.

    Raises
    ------
    UserError
        If it is missing, broken or of another architecture than its card says.
    """
    return load_model(model_folder, translator.kind, translator.network)
