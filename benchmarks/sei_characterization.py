"""How well the latent spaces of a plain and a property-regressor autoencoder order the properties of an SEI (figure 4.2).

Both models are to be trained on the same data set with the same sizes and epochs, and looked at with a campaign that neither
has seen. Numbers: R2 of a linear read-out by cross-validation and smoothness over neighbours (1 - Geary's C), of the whole
latent and of the plane of its first two principal components.

    python benchmarks/sei_characterization.py --model prvae/ --compare vae/ --sei other.h5 --output benchmarks/results

writes sei_characterization.json, .md and .png.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kadi_battgen.applications.sei.characterization import Configurations, characterize
from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.electrodes.card import markdown_table
from kadi_battgen.files import write_json, write_text
from kadi_battgen.plots.sei_latent import latent_maps
from kadi_battgen.plots.style import image_bytes
from kadi_battgen.sei.observables import OBSERVABLES

KEYS = ("linear_r2", "linear_r2_in_plane", "smoothness", "smoothness_in_plane")


def main() -> int:
    """Characterise, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of a property-regressor autoencoder")
    parser.add_argument("--compare", type=Path, required=True, help="folder of a plain autoencoder")
    parser.add_argument("--sei", type=Path, required=True, help="campaign that neither was trained on")
    parser.add_argument("--samples", type=int, default=7500, help="configurations, at most")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument("--output", type=Path, help="folder for the results")
    options = parser.parse_args()

    models = [PrvaeModel(options.model), PrvaeModel(options.compare)]
    sample = Configurations.read(options.sei, options.samples, options.seed)
    found = characterize(models[0], sample, other=models[1], seed=options.seed)
    trained = [
        {key: model.card[key] for key in ("variant", "preset", "epochs_trained", "parameters", "dataset_sha256")}
        for model in models
    ]
    text = summary(found.metrics, list(found.scores), trained)
    print(text)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        kept = ("configurations", "r2", "properties", "latent", "walks", "out_of_distribution")
        write_json(
            options.output / "sei_characterization.json", {"models": trained, **{k: found.metrics[k] for k in kept}}
        )
        write_text(options.output / "sei_characterization.md", text)
        latent = found.metrics["latent"]
        names = {name: sample.observables[name] for name in latent["model"]["ordering"]}
        figure = latent_maps(found.scores, names, [latent[key]["ordering"] for key in ("model", "other")])
        (options.output / "sei_characterization.png").write_bytes(image_bytes(figure, "png", 72))
    return 0


def summary(metrics: Mapping[str, Any], titles: list[str], trained: list[dict[str, Any]]) -> str:
    """Return the results as Markdown."""
    spaces = dict(zip(titles, (metrics["latent"]["model"], metrics["latent"]["other"]), strict=True))
    rows = [
        (OBSERVABLES[name].label, title, *(f"{space['ordering'][name][key]:.3f}" for key in KEYS))
        for name in metrics["latent"]["model"]["ordering"]
        for title, space in spaces.items()
    ]
    uses = [
        (
            title,
            f"{space['usage']['active_units']} of {space['usage']['units']}",
            f"{space['usage']['effective_dimensions']:.1f}",
            f"{space['disentanglement']['mutual_information_gap']['mean']:.3f}",
            f"{space['disentanglement']['disentanglement']:.3f}",
            f"{space['disentanglement']['completeness']:.3f}",
        )
        for title, space in spaces.items()
    ]
    areas = metrics["out_of_distribution"]["area_under_curve"]
    found = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in areas.items())
    made = "; ".join(
        f"{title}: preset {entry['preset']}, {entry['epochs_trained']} epochs, {entry['parameters']:,} parameters"
        for title, entry in zip(titles, trained, strict=True)
    )
    head = ("property", "latent space", "linear R2", "in plane", "smoothness", "in plane")
    use_head = (
        "latent space",
        "active units",
        "effective dimensions",
        "mutual information gap",
        "disentanglement",
        "completeness",
    )
    return f"""# How latent spaces order the properties of an SEI

Made by `python benchmarks/sei_characterization.py --model prvae/ --compare vae/ --sei other.h5 --output benchmarks/results`;
{metrics["configurations"]} configurations of a campaign that neither model has seen. {made}.

{markdown_table(head, rows)}

{markdown_table(use_head, uses)}

Area under the curve of the out-of-distribution score of the prVAE for spoilt configurations: {found}.
"""


if __name__ == "__main__":
    raise SystemExit(main())
