"""The screening network: U-Net, composition autoencoder, property model and their constants in one checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from kadi_battgen.networks.composition_autoencoder import CompositionAutoencoder
from kadi_battgen.networks.property_ensemble import PropertyEnsemble
from kadi_battgen.networks.unet import ScreeningUNet


class ScreeningNetwork(nn.Module):
    """Denoises image latent and composition latent as one flat vector, which is what a sampler sees.

    Parameters
    ----------
    unet
        Arguments of :class:`ScreeningUNet`.
    composition_autoencoder
        Arguments of :class:`CompositionAutoencoder`.
    properties
        Arguments of :class:`PropertyEnsemble`, which takes no part in the denoising.
    latent_shape
        (channels, h, w) of the image latent.
    """

    def __init__(
        self,
        *,
        unet: dict[str, Any],
        composition_autoencoder: dict[str, Any],
        properties: dict[str, Any],
        latent_shape: tuple[int, int, int],
    ) -> None:
        super().__init__()
        self.latent_shape = tuple(latent_shape)
        self.unet = ScreeningUNet(**unet)
        self.composition_autoencoder = CompositionAutoencoder(**composition_autoencoder)
        self.properties = PropertyEnsemble(**properties)
        channels, size = self.latent_shape[0], self.composition_autoencoder.latent_size
        self.register_buffer("image_mean", torch.zeros(channels, 1, 1))
        self.register_buffer("image_deviation", torch.ones(channels, 1, 1))
        self.register_buffer("composition_mean", torch.zeros(size))
        self.register_buffer("composition_deviation", torch.ones(size))

    @property
    def size(self) -> int:
        """Length of the joint latent."""
        return self._image_size + self.composition_autoencoder.latent_size

    @property
    def _image_size(self) -> int:
        """Length of the image's part of a joint latent, which comes first."""
        return int(torch.Size(self.latent_shape).numel())

    def join(self, image_latent: Tensor, composition_latent: Tensor) -> Tensor:
        """Return normalised latents ``(batch, *latent_shape)`` and ``(batch, size)`` as one ``(batch, joint size)``."""
        return torch.cat([image_latent.flatten(1), composition_latent], dim=1)

    @property
    def image_elements(self) -> Tensor:
        """Which elements of a joint latent are of the image, bool, (size,)."""
        return torch.arange(self.size, device=self.image_mean.device) < self._image_size

    def split(self, joint: Tensor) -> tuple[Tensor, Tensor]:
        """Undo :meth:`join`."""
        return joint[:, : self._image_size].reshape(-1, *self.latent_shape), joint[:, self._image_size :]

    def normalise(self, image_latent: Tensor, composition_latent: Tensor) -> Tensor:
        """Return raw latents as one joint latent of zero mean and unit variance."""
        return self.join(
            (image_latent - self.image_mean) / self.image_deviation, self.normalise_composition(composition_latent)
        )

    def normalise_composition(self, composition_latent: Tensor) -> Tensor:
        """Return raw composition latents (batch, size) with zero mean and unit variance."""
        return (composition_latent - self.composition_mean) / self.composition_deviation

    def restore(self, joint: Tensor) -> tuple[Tensor, Tensor]:
        """Return the raw image latent and composition latent of a joint latent."""
        image_latent, composition_latent = self.split(joint)
        return (
            image_latent * self.image_deviation + self.image_mean,
            self.restore_composition(composition_latent),
        )

    def forward(self, joint: Tensor, timestep: Tensor, conditions: Tensor) -> Tensor:
        """Return what is predicted of joint latents (batch, joint size): noise or velocity, as trained."""
        return self.join(*self.unet(*self.split(joint), timestep, conditions))

    def denoise_composition(self, composition_latent: Tensor, timestep: Tensor, conditions: Tensor) -> Tensor:
        """Return the same of noised, normalised composition latents (batch, size), without an image."""
        return self.unet.composition(composition_latent, timestep, conditions)[0]

    def restore_composition(self, composition_latent: Tensor) -> Tensor:
        """Undo :meth:`normalise_composition`."""
        return composition_latent * self.composition_deviation + self.composition_mean


def guided(
    network: Callable[[Tensor, Tensor, Tensor], Tensor], conditions: Tensor, guidance: float = 1.0
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a network's prediction under conditions as a function of sample and timestep alone.

    Parameters
    ----------
    network
        Predicts from sample, timestep and conditions: :class:`ScreeningNetwork` or its ``denoise_composition``.
    conditions
        (batch, condition size).
    guidance
        Scale of classifier-free guidance (Ho and Salimans 2022): 1 is the conditional model itself, 0 the unconditional
        one, and above 1 the conditions are exaggerated.
    """
    # A vector of zeros gives nothing, and the network puts its learned tokens in the place of all conditions.
    absent = torch.zeros_like(conditions)

    def predict(sample: Tensor, timestep: Tensor) -> Tensor:
        if guidance == 1.0:
            return network(sample, timestep, conditions)
        both = network(torch.cat([sample, sample]), torch.cat([timestep, timestep]), torch.cat([conditions, absent]))
        conditional, unconditional = both.chunk(2)
        return unconditional + guidance * (conditional - unconditional)

    return predict
