"""The training step of the composition regressor: atom counts from images of single orientations or of sets of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.datasets.conditions import condition_vectors
from kadi_battgen.networks.composition_ensemble import CompositionEnsemble
from kadi_battgen.networks.composition_regressor import CompositionOutput
from kadi_battgen.training.composition.images import CompositionImages
from kadi_battgen.training.composition.orientation_sets import OrientationSets, electrode_positions
from kadi_battgen.training.composition.reading import embed_images
from kadi_battgen.training.loop import descend, make_fabric
from kadi_battgen.training.losses import count_loss, element_weights, presence_and_count_loss
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.settings import CompositionSettings

#: Orientations of each validation electrode that are looked at after an epoch.
VALIDATION_ORIENTATIONS = 8


class CompositionPart:
    """Images of one part with what is to be read from them.

    Parameters
    ----------
    images
        What the regressor looks at.
    samples
        The part.
    known
        Distinct compositions of the training part, (known, 112).
    """

    def __init__(self, images: CompositionImages, samples: ImageSamples, known: np.ndarray) -> None:
        self.images = images
        self.owners = samples.column("electrode_index")
        self.counts = torch.from_numpy(samples.column("composition"))
        self.weight = torch.from_numpy(samples.column("weight"))
        self.working_ion = samples.column("working_ion").astype(np.int64)
        #: Functional properties of the cells, scaled to [0, 1], (samples, 6).
        self.properties = samples.column("conditions")
        numbers = {row.tobytes(): number for number, row in enumerate(known)}
        labels = [numbers.get(row.tobytes(), -1) for row in samples.column("composition")]
        #: Number of each stack's composition among the known ones, -1 where it is not known.
        self.label = torch.tensor(labels)


class CompositionTask:
    """Atom counts from images, turned and mirrored at random: of single stacks, or of sets that show one electrode."""

    name = "Training the composition regressor"

    def __init__(
        self,
        settings: CompositionSettings,
        network: CompositionEnsemble,
        training: CompositionPart,
        validation: CompositionPart,
        sets: OrientationSets,
        loss_weights: Tensor,
    ) -> None:
        self.settings, self.training, self.validation, self.sets = settings, training, validation, sets
        self.loss_weights = loss_weights
        self.element_weight = element_weights(training.counts, settings.element_weighting)
        precision = settings.loop.precision
        if precision == "auto" and settings.input == "latent":
            precision = "32-true"
        self.fabric = make_fabric(precision)
        network = network.to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.loop.learning_rate, weight_decay=settings.loop.weight_decay
        )
        self.wrapped, optimizer = self.fabric.setup(network, optimizer)
        self.wrapped.mark_forward_method("outputs_alone_and_together")
        self.network = network
        self.modules: dict[str, nn.Module] = {"regressor": network}
        self.optimizers = {"regressor": optimizer}

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one step on stacks by themselves and, where sets are drawn, on some of each set together."""
        positions = self.sets.draw(indices, generator)
        operation = int(torch.randint(8, (1,), generator=generator))
        images = self.training.images.changed(positions.ravel(), epoch, operation).to(self.fabric.device)
        told = self._told(positions[:, 0], generator)
        size = self.sets.size
        together = int(torch.randint(2, size + 1, (1,), generator=generator)) if size > 1 else 1
        alone, sets = self.wrapped.outputs_alone_and_together(images, size, together, told)
        loss = self._loss(self.training, alone, positions.ravel(), self.loss_weights)
        if size > 1:
            loss = 0.5 * loss + 0.5 * self._loss(self.training, sets, positions[:, 0], self.loss_weights)
        optimizer = self.optimizers["regressor"]
        descend(self.fabric, self.wrapped, optimizer, loss, self.settings.loop.gradient_norm)
        return {"loss": loss.item()}

    def _told(self, positions: np.ndarray, generator: torch.Generator) -> Tensor | None:
        """Return what is told of the cells, of which a random part is hidden; None where the network takes nothing."""
        count, settings = len(positions), self.settings
        if not (settings.working_ion or settings.properties):
            return None
        properties, ion = self.training.properties[positions], np.zeros(count, dtype=bool)
        given = np.zeros(properties.shape, dtype=bool)
        if settings.working_ion:
            ion = (torch.rand(count, 1, generator=generator) < 0.5).numpy()[:, 0]
        if settings.properties:
            # Nothing, each with even odds, and everything are what users will know.
            share = torch.randint(3, (count, 1), generator=generator) / 2
            given = (torch.rand(properties.shape, generator=generator) < share).numpy() & ~np.isnan(properties)
        vectors = condition_vectors(properties, self.training.working_ion[positions], given, ion)
        return torch.from_numpy(vectors).to(self.fabric.device)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the loss and the error of single stacks, or of an electrode's stacks together where sets are drawn."""
        part = self.validation
        groups = electrode_positions(part.owners, VALIDATION_ORIENTATIONS)
        looked_at = np.concatenate(groups)
        with self.fabric.autocast():
            embedded = embed_images(
                self.network, lambda rows: part.images(looked_at[rows]), len(looked_at), recall=False
            )
        features = embedded.features
        if self.sets.size == 1:
            sets = [(features[:, :, None], looked_at)]
        else:
            ends = np.cumsum([len(group) for group in groups])
            sets = [
                (features[:, None, end - len(group) : end], group[:1]) for end, group in zip(ends, groups, strict=True)
            ]
        loss = error = total = 0.0
        for own, positions in sets:
            outputs = self.network.outputs(own)
            loss += self._loss(part, outputs, positions, part.weight).item() * len(positions)
            predicted = self.network.read(own, None).counts.cpu()
            error += (predicted - part.counts[positions]).abs().mean().item() * len(positions)
            total += len(positions)
        return {"validation_loss": loss / total, "validation_mean_absolute_error": error / total}

    def _loss(
        self, part: CompositionPart, outputs: list[CompositionOutput], positions: np.ndarray, weights: Tensor
    ) -> Tensor:
        """Return the loss of what the members say of sets whose first stacks are `positions`, a mean over the members."""
        device, rows = outputs[0].counts.device, torch.as_tensor(positions)
        counts, label, weight = (tensor[rows].to(device) for tensor in (part.counts, part.label, weights))
        return torch.stack([self._output_loss(output, counts, label, weight) for output in outputs]).mean()

    def _output_loss(self, output: CompositionOutput, counts: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        if output.presence_logit is None:
            loss = count_loss(output.counts, counts, self.settings.loss, weight)
        else:
            loss = presence_and_count_loss(
                output.presence_logit,
                output.logarithm,
                counts,
                count_weight=self.settings.count_weight,
                weight=weight,
                element_weight=self.element_weight.to(counts.device),
            )
        if output.known_logit is not None and bool((label >= 0).any()):
            loss = loss + self.settings.recognition * F.cross_entropy(output.known_logit, label, ignore_index=-1)
        return loss
