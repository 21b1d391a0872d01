"""Loss functions (thesis section 2.6.1), by kind: reconstruction, categorical, regression, latent, adversarial..."""

from __future__ import annotations

from kadi_battgen.training.losses.adversarial import (
    ADVERSARIAL_LOSSES,
    AdversarialLoss,
    BinaryCrossEntropyLoss,
    LeastSquaresLoss,
    WassersteinLoss,
    adversarial_loss,
    adversarial_objective,
    gradient_penalty,
)
from kadi_battgen.training.losses.categorical import (
    categorical_cross_entropy,
    class_weights,
    share_divergence,
    unweighted_probabilities,
)
from kadi_battgen.training.losses.composition import count_loss, element_weights, formula_loss, presence_and_count_loss
from kadi_battgen.training.losses.latent import BetaSchedule, kl_between_normals, kl_to_standard_normal
from kadi_battgen.training.losses.perceptual import (
    DescriptorPerceptualLoss,
    feature_loss,
    gram_matrix,
    style_loss,
)
from kadi_battgen.training.losses.reconstruction import (
    RECONSTRUCTION_LOSSES,
    binary_cross_entropy,
    class_cross_entropy,
    l1_and_l2_loss,
    l1_loss,
    l2_loss,
    reconstruction_objective,
    structure_loss,
)
from kadi_battgen.training.losses.regression import gaussian_negative_log_likelihood, uncertainty_weighted
from kadi_battgen.training.losses.weighting import adaptive_weight, delayed_weight

__all__ = [
    "ADVERSARIAL_LOSSES",
    "AdversarialLoss",
    "BetaSchedule",
    "BinaryCrossEntropyLoss",
    "DescriptorPerceptualLoss",
    "LeastSquaresLoss",
    "RECONSTRUCTION_LOSSES",
    "WassersteinLoss",
    "adaptive_weight",
    "adversarial_loss",
    "adversarial_objective",
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "class_cross_entropy",
    "class_weights",
    "count_loss",
    "delayed_weight",
    "element_weights",
    "feature_loss",
    "formula_loss",
    "gaussian_negative_log_likelihood",
    "gradient_penalty",
    "gram_matrix",
    "kl_between_normals",
    "kl_to_standard_normal",
    "l1_and_l2_loss",
    "l1_loss",
    "l2_loss",
    "presence_and_count_loss",
    "reconstruction_objective",
    "structure_loss",
    "share_divergence",
    "style_loss",
    "uncertainty_weighted",
    "unweighted_probabilities",
]
