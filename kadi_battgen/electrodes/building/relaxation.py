"""Relaxation of both ends of a candidate with two independent universal potentials.

7net-l3i5 (sevenn, MIT; Park et al., J. Chem. Theory Comput. 20, 4857 (2024)) labels the data; CHGNet 0.3.0 (BSD; Deng et
al., Nat. Mach. Intell. 5, 1031 (2023)) is the second opinion. Energies of one model are never mixed with the other's.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

from kadi_battgen.electrodes.building.candidates import Candidate, ase_atoms, crystal, without
from kadi_battgen.errors import UserError

LABEL_MODEL = "7net-l3i5"
SECOND_MODEL = "CHGNet 0.3.0"
#: Largest force (and stress, in the filter's units) left after a relaxation, eV/Angstrom.
FORCE_LIMIT = 0.1
_SECOND_STEPS = 150
_LABEL_STEPS = 60

_METAL_CRYSTALS = {
    "Li": ("bcc", 3.44), "Na": ("bcc", 4.20), "K": ("bcc", 5.28), "Rb": ("bcc", 5.67), "Cs": ("bcc", 6.16),
    "Mg": ("hcp", 3.19), "Ca": ("fcc", 5.53), "Zn": ("hcp", 2.64), "Al": ("fcc", 4.04), "Y": ("hcp", 3.66),
}  # fmt: skip


@cache
def calculator(model: str) -> Any:
    """Load a potential (once a process), on one thread of the CPU.

    Raises
    ------
    UserError
        If the optional extra ``potentials`` is not installed.
    """
    try:
        import torch

        torch.set_num_threads(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if model == LABEL_MODEL:
                from sevenn.calculator import SevenNetCalculator

                return SevenNetCalculator("7net-l3i5", device="cpu")
            if model == SECOND_MODEL:
                from chgnet.model import CHGNet
                from chgnet.model.dynamics import CHGNetCalculator

                return CHGNetCalculator(CHGNet.load(model_name="0.3.0", verbose=False), use_device="cpu")
    except ImportError as error:
        raise UserError(
            f"{model} needs {error.name}, which is not installed: pip install 'kadi-battgen[potentials]'"
        ) from error
    raise ValueError(f"unknown potential {model!r}")


def relax(description: dict[str, Any], model: str, steps: int, force_limit: float = FORCE_LIMIT) -> dict[str, Any]:
    """Relax positions and cell with LBFGS.

    Parameters
    ----------
    description
        Crystal as `candidates.crystal` gives it.
    model
        `LABEL_MODEL` or `SECOND_MODEL`.
    steps
        Most optimisation steps.
    force_limit
        Convergence criterion, eV/Angstrom.

    Returns
    -------
    dict
        ``crystal``; ``energy`` (eV a cell); ``converged``; ``steps``; ``volume`` (Angstrom^3); with CHGNet also ``moment``,
        the sum of the magnitudes of its site moments (Bohr magnetons).
    """
    from ase.filters import FrechetCellFilter
    from ase.optimize import LBFGS

    atoms = ase_atoms(description)
    atoms.calc = calculator(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimizer = LBFGS(FrechetCellFilter(atoms), logfile=None)
        converged = bool(optimizer.run(fmax=force_limit, steps=steps))
        energy = float(atoms.get_potential_energy())
    result = {
        "crystal": crystal(atoms),
        "energy": energy,
        "converged": converged,
        "steps": int(optimizer.nsteps),
        "volume": float(atoms.get_volume()),
    }
    if model == SECOND_MODEL:
        result["moment"] = float(abs(atoms.calc.results["magmoms"]).sum())
    return result


def metal_energies(model: str) -> dict[str, float]:
    """Energy of each working-ion metal with one model, eV/atom."""
    from ase.build import bulk

    energies = {}
    for symbol, (structure, a) in _METAL_CRYSTALS.items():
        relaxed = relax(crystal(bulk(symbol, structure, a=a)), model, 200, force_limit=0.01)
        energies[symbol] = relaxed["energy"] / len(relaxed["crystal"]["species"])
    return energies


def use_one_thread() -> None:
    """Keep a worker process on one core: several of them share the machine."""
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


def compute(candidate: Candidate, hopeless: Callable[[dict[str, Any]], str | None]) -> dict[str, Any]:
    """Relax both ends of a candidate with CHGNet, then from there with 7net-l3i5.

    The emptied host starts from the relaxed discharged cell: started from the template it may fall apart. A candidate
    for which CHGNet alone is reason enough to leave it out is not handed to the dearer model.

    Parameters
    ----------
    candidate
        What to relax.
    hopeless
        Looks at a record that holds CHGNet's relaxations and gives that reason, or None.

    Returns
    -------
    dict
        ``candidate`` (without its crystals), ``discharge`` and ``charge`` for each model, ``error`` (None or text).
    """
    record: dict[str, Any] = {"key": candidate.key, "candidate": candidate.as_dict(), "models": {}, "error": None}
    try:
        discharge = relax(candidate.discharge, SECOND_MODEL, _SECOND_STEPS)
        if not discharge["converged"]:
            record["error"] = "not converged"
            return record
        start = candidate.charge or without(discharge["crystal"], candidate.removed)
        charge = relax(start, SECOND_MODEL, _SECOND_STEPS)
        record["models"][SECOND_MODEL] = {"discharge": discharge, "charge": charge}
        record["error"] = hopeless(record)
        if record["error"] is None:
            record["models"][LABEL_MODEL] = {
                "discharge": relax(discharge["crystal"], LABEL_MODEL, _LABEL_STEPS),
                "charge": relax(charge["crystal"], LABEL_MODEL, _LABEL_STEPS),
            }
    except UserError:
        raise
    except Exception as error:
        # An exploding cell ends in many ways inside the potentials; the candidate is counted and the build goes on.
        record["error"] = f"calculation failed: {type(error).__name__}"
    return record
