"""How well generated SEI configurations and proposed barriers do what was asked, as measured and as simulated.

Guided generation: for each property, and for pairs of them, values are asked for uniformly between the 5 % and 95 % quantiles
of the training part, and the relative errors between asked and measured values are compared for

  sampling      one draw at the latent of a training configuration that has nearly the asked value, no search
  regressor     and the gradient search through the regressor
  feedback      and the rounds in which what was measured shifts the aim
  draws         and the best of four draws for each value, which is what battgen generate-sei does

Closed loop: barriers are proposed for a thickness asked for uniformly in the same range, and each set is simulated several
times; Spearman's correlation of asked with obtained thickness, beside that of the training runs whose thickness was nearest
(the same barriers with other seeds), and that between two seeds of the same barriers.

    python benchmarks/sei_generation.py prvae/ --output benchmarks/results

writes sei_generation.json, .md and .png, which sei_generation_figure.py draws anew. The model's folder must hold the response
to barriers (battgen train-prvae).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sei_generation_figure import figure

from kadi_battgen.applications.ranges import ValueRange
from kadi_battgen.applications.sei.closed_loop import Obtained, closed_loop_metrics, resimulate, spearman
from kadi_battgen.applications.sei.generation import generate, training_quantiles
from kadi_battgen.applications.sei.growing import grown_configurations
from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.applications.sei.response import BarrierResponse, Proposals
from kadi_battgen.applications.sei.targets import SeiTarget, scale
from kadi_battgen.electrodes.card import markdown_table
from kadi_battgen.files import write_json, write_text
from kadi_battgen.metrics.intervals import bootstrap_interval
from kadi_battgen.parallel import ClusterSettings
from kadi_battgen.plots.style import image_bytes
from kadi_battgen.sei.observables import OBSERVABLES, observables

#: Properties that are asked for together, beside each by itself.
PAIRS = (("thickness", "porosity"), ("flux", "thickness"))

#: What is compared: arguments of the generation.
WAYS: Mapping[str, Mapping[str, int]] = {
    "sampling": {"draws": 1, "steps": 0, "rounds": 1},
    "regressor": {"draws": 1, "rounds": 1},
    "feedback": {"draws": 1},
    "draws": {},
}


def main() -> int:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a trained autoencoder with a regressor")
    parser.add_argument("--samples", type=int, default=64, help="configurations of each target and seed")
    parser.add_argument("--proposals", type=int, default=64, help="sets of barriers of each seed")
    parser.add_argument("--repeats", type=int, default=4, help="simulations of each set of barriers")
    parser.add_argument("--campaign", type=int, default=0, help="campaign of the training whose stop criteria hold")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="seeds")
    parser.add_argument("--workers", type=int, default=1, help="processes that simulate")
    parser.add_argument("--output", type=Path, help="folder for the results")
    options = parser.parse_args()

    model = PrvaeModel(options.model)
    found: dict[str, Any] = {
        "model": {key: model.card[key] for key in ("variant", "preset", "weights_sha256", "parameters")},
        "samples": options.samples,
        "seeds": options.seeds,
        "guided": guided(model, options.samples, options.seeds),
    }
    response = BarrierResponse(options.model)
    found["response"] = {name: response.card["test"][name] for name in ("thickness", "flux", "porosity")}
    found["closed_loop"], found["points"] = closed_loop(model, response, options)
    text = summary(found)
    print(text)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        write_json(options.output / "sei_generation.json", found)
        write_text(options.output / "sei_generation.md", text)
        (options.output / "sei_generation.png").write_bytes(image_bytes(figure(found), "png", 120))
    return 0


def middle(quantiles: Mapping[str, list[float]], names: tuple[str, ...]) -> SeiTarget:
    """Return the target of values between the 5 % and 95 % quantiles."""
    return SeiTarget({name: ValueRange(quantiles[name][1], quantiles[name][3]) for name in names})


def guided(model: PrvaeModel, samples: int, seeds: list[int]) -> dict[str, Any]:
    """Return by target and way the errors between asked and measured values over all seeds, and what else is counted."""
    quantiles = training_quantiles(model)
    results: dict[str, Any] = {}
    for names in (*((name,) for name in model.properties), *PAIRS):
        entry: dict[str, Any] = {}
        for way, arguments in WAYS.items():
            started, errors = time.perf_counter(), {name: [] for name in names}
            counts: dict[str, list[float]] = {}
            for seed in seeds:
                target = middle(quantiles, names)
                outcome = generate(model, target, samples=samples, seed=seed, progress=False, **arguments)
                measured = observables(outcome.generated.configurations)
                for name in names:
                    asked = outcome.generated.asked[name]
                    error = np.abs(measured[name] - asked) / np.maximum(np.abs(asked), scale(quantiles[name]))
                    errors[name].append(error)
                for key in (
                    "unique_fraction",
                    "diversity",
                    "familiar_fraction",
                    "joined_fraction",
                    "changed_sites_fraction",
                ):
                    counts.setdefault(key, []).append(outcome.metrics[key])
                counts.setdefault("valid_fraction_as_decoded", []).append(outcome.metrics["valid_fraction_as_decoded"])
            together = {name: np.concatenate(parts) for name, parts in errors.items()}
            entry[way] = {
                "median_relative_error": {
                    name: bootstrap_interval([error], np.median).to_json() for name, error in together.items()
                },
                **{key: float(np.mean(values)) for key, values in counts.items()},
                "seconds_per_configuration": (time.perf_counter() - started) / (samples * len(seeds)),
            }
        results["+".join(names)] = entry
    return results


def closed_loop(
    model: PrvaeModel, response: BarrierResponse, options: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Return the metrics of the closed loop by way over all seeds, and asked and obtained thickness in nm."""
    entry = response.campaign(options.campaign)
    quantiles = entry["observable_quantiles"]
    target = middle(quantiles, ("thickness",))
    results: dict[str, list[dict[str, Any]]] = {"proposed": [], "nearest training runs": []}
    points: dict[str, list[np.ndarray]] = {"asked": [], "mean": [], "deviation": [], "decoded": []}
    for seed in options.seeds:
        proposals = response.propose(target, options.proposals, seed=seed, campaign=options.campaign)
        ways = {"proposed": proposals, "nearest training runs": nearest_runs(response, proposals, options.campaign)}
        for way, proposed in ways.items():
            obtained = simulated(response, proposed, options, seed)
            numbers = closed_loop_metrics(proposed, obtained, target, quantiles)["observables"]["thickness"]
            results[way].append(numbers)
            if way == "proposed":
                runs = obtained.observables["thickness"]
                points["asked"].append(proposed.asked["thickness"])
                points["mean"].append(runs.mean(axis=1))
                points["deviation"].append(runs.std(axis=1))
                if model.has_prior:
                    points["decoded"].append(decoded_thickness(model, proposed.barriers, options.repeats, seed))
    summary_: dict[str, Any] = {
        way: {key: _over_seeds([entry[key] for entry in entries]) for key in entries[0]}
        for way, entries in results.items()
    }
    together = {key: np.concatenate(parts) for key, parts in points.items() if parts}
    if "decoded" in together:
        summary_["decoded for the proposed barriers"] = {
            "spearman_with_simulated": spearman(together["decoded"], together["mean"]),
            "spearman_with_asked": spearman(together["decoded"], together["asked"]),
        }
    return {
        "proposals": options.proposals,
        "repeats": options.repeats,
        "max_events": entry["max_events"],
        "max_time_s": entry["max_time_s"],
        "ways": summary_,
    }, {key: np.round(values, 4).tolist() for key, values in together.items()}


def nearest_runs(response: BarrierResponse, proposals: Proposals, campaign: int) -> Proposals:
    """Return the training runs whose own thickness was nearest to what is asked: an inverse design without a model."""
    own = response.runs["campaign"] == campaign
    thickness = response.runs["observables"][own][:, list(OBSERVABLES).index("thickness")]
    asked = proposals.asked["thickness"]
    chosen = np.abs(thickness - asked[:, None]).argmin(axis=1)
    barriers = response.barriers.inverse(response.runs["barriers"][own][chosen])
    mean, deviation = response.predict(barriers, campaign)
    return Proposals(barriers, proposals.asked, {"thickness": mean["thickness"]}, {"thickness": deviation["thickness"]})


def simulated(response: BarrierResponse, proposals: Proposals, options: argparse.Namespace, seed: int) -> Obtained:
    """Simulate proposals with seeds that no training run had."""
    with tempfile.TemporaryDirectory() as folder:
        return resimulate(
            proposals,
            Path(folder) / "loop.h5",
            response.model(options.campaign),
            repeats=options.repeats,
            seed=1_000_000 + seed,
            cluster=ClusterSettings(options.workers),
            progress=False,
        )


def decoded_thickness(model: PrvaeModel, barriers: np.ndarray, repeats: int, seed: int) -> np.ndarray:
    """Return the mean thickness in nm of what a conditional model decodes for barriers, without any target."""
    generator = np.random.default_rng(seed)
    given = np.repeat(barriers, repeats, axis=0)
    mean, deviation = model.expected_latent(given)
    latent = mean + deviation * generator.standard_normal(mean.shape)
    shown, _, _ = grown_configurations(model, latent.astype(np.float32), given, seed=seed)
    return observables(shown)["thickness"].reshape(-1, repeats).mean(axis=1)


def _over_seeds(values: list[float | None]) -> dict[str, float] | None:
    known = [value for value in values if value is not None]
    return {"mean": float(np.mean(known)), "least": min(known), "most": max(known)} if known else None


_LOOP_HEAD = (
    "barriers",
    "Spearman, mean of runs",
    "Spearman, single runs",
    "between two seeds",
    "median relative error",
)


def summary(found: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    rows = []
    for names, ways in found["guided"].items():
        for name in names.split("+"):
            cells = []
            for way in WAYS:
                interval = ways[way]["median_relative_error"][name]
                cells.append(f"{interval['estimate']:.2%} ({interval['low']:.2%} to {interval['high']:.2%})")
            asked = OBSERVABLES[name].label if "+" not in names else f"{OBSERVABLES[name].label} (with {names})"
            rows.append((asked, *cells))
    kept = [ways["draws"] for ways in found["guided"].values()]
    numbers = {key: np.mean([entry[key] for entry in kept]) for key in kept[0] if key != "median_relative_error"}
    loop = found["closed_loop"]
    correlations = ("spearman", "spearman_of_single_runs", "spearman_between_seeds")
    lines = [
        (way, *(_cell(numbers_[key]) for key in correlations), _cell(numbers_["median_relative_error"], "{:.1%}"))
        for way, numbers_ in loop["ways"].items()
        if "spearman" in numbers_
    ]
    decoded = loop["ways"].get("decoded for the proposed barriers")
    more = (
        "\n\nThickness decoded by the conditional model for the proposed barriers alone, without a target: Spearman\n"
        f"{decoded['spearman_with_simulated']:.3f} with the simulated and {decoded['spearman_with_asked']:.3f} with the asked."
        if decoded
        else ""
    )
    stop = f"{loop['max_events']:,} events" + (f" or {loop['max_time_s']:g} s" if loop["max_time_s"] else "")
    thickness = found["response"]["thickness"]
    return f"""# Guided generation and the closed loop of SEI configurations

Made by `python benchmarks/sei_generation.py prvae/ --samples {found["samples"]} --proposals {loop["proposals"]} --repeats
{loop["repeats"]} --output benchmarks/results`; model: {found["model"]["variant"]}, preset {found["model"]["preset"]},
{found["model"]["parameters"]:,} parameters, weights `{found["model"]["weights_sha256"][:16]}...`.

## Median relative error between asked and measured values

{found["samples"]} configurations for each of {len(found["seeds"])} seeds and each target, values asked for uniformly between
the 5 % and 95 % quantiles of the training part; 95 % bootstrap intervals over configurations.

{markdown_table(("property", *WAYS), rows)}

Of what is kept with draws: all valid after mending ({numbers["valid_fraction_as_decoded"]:.0%} as decoded;
{numbers["changed_sites_fraction"]:.3%} of the sites are mended), {numbers["unique_fraction"]:.1%} unique, two differ in
{numbers["diversity"]:.0%} of their SEI sites, {numbers["familiar_fraction"]:.1%} as familiar as 95 % of held-out
configurations, {numbers["joined_fraction"]:.0%} of the SEI joined with the electrode (median);
{numbers["seconds_per_configuration"]:.2f} s for each configuration on one core.

## Closed loop

{loop["proposals"]} sets of barriers for each seed, each simulated {loop["repeats"]} times for {stop}; mean over seeds
(least to most). The response to barriers has R2 {thickness["r2"]:.3f} for the thickness of single held-out runs, of which
{thickness["explicable_r2"]:.3f} is possible given how far runs of the same barriers spread.

{markdown_table(_LOOP_HEAD, lines)}{more}
"""


def _cell(value: Mapping[str, float] | None, form: str = "{:.3f}") -> str:
    if value is None:
        return "–"
    return f"{form.format(value['mean'])} ({form.format(value['least'])} to {form.format(value['most'])})"


if __name__ == "__main__":
    raise SystemExit(main())
