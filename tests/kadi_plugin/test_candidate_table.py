"""Tables of candidates as the library writes them, with columns that come and go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kadi_battgen.applications.screening.candidate_files import read_candidate_table, write_candidates
from kadi_battgen.applications.screening.candidates import Candidate, Expectation, GeneratedFormula
from kadi_battgen.applications.screening.neighbours import KnownElectrodes
from kadi_battgen.applications.screening.ranking import rank_candidates
from kadi_battgen.applications.screening.targets import Target
from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.kadi_plugin.candidate_table import candidates_preview
from kadi_battgen.kadi_plugin.detection import detect


@pytest.mark.parametrize(
    ("suffix", "base", "kind"), [(".csv", "text/csv", "candidates"), (".json", "application/json", "candidates-json")]
)
def test_a_table_of_the_library(tiny_electrodes, tmp_path: Path, suffix: str, base: str, kind: str) -> None:
    known = KnownElectrodes(list(tiny_electrodes.electrodes))
    expected = Expectation(*(np.full(6, value) for value in (160.0, 120.0, 180.0)))
    ranges = {"any": {"gravimetric_capacity": [0.0, 0.0, 100.0, 200.0, 200.0]}}
    candidates = rank_candidates(
        [
            Candidate.assess(
                GeneratedFormula(counts, "Li", 1.0, counts, counts, 1.0),
                expected=expected,
                target=Target.parse("Li", {"gravimetric_capacity": "150:"}),
                asked=np.full(6, np.nan),
                known=known,
                training_ranges=ranges,
                seed=0,
                position=position,
            )
            for position, counts in enumerate(map(composition_vector, ["LiFePO4", "LiCoO2", "MgO"]))
        ]
    )
    path = tmp_path / f"candidates{suffix}"
    write_candidates(path, candidates)
    with open(path, "rb") as stream:
        found = detect(stream, path.stat().st_size, base)
    assert found is not None
    assert found.name == kind
    shown = candidates_preview(path.read_bytes())
    assert shown is not None
    rows = read_candidate_table(path)
    names = [column["name"] for column in shown["columns"]]
    assert set(names) == set(rows[0])
    assert shown["total"] == 3
    # Every column of a property is known by name and unit, so that only texts of the writer's own are not.
    described = {column["name"]: column for column in shown["columns"]}
    assert (
        described["predicted_volumetric_capacity_mAh_per_cm3_high"]["label"]
        == "Volumetric capacity: predicted, high end"
    )
    assert described["predicted_volumetric_capacity_mAh_per_cm3_high"]["unit"] == "mAh/cm³"
    main = [column["name"] for column in shown["columns"] if column["main"]]
    assert main[:3] == ["rank", "formula", "working_ion"]
    assert "target_gravimetric_capacity_mAh_per_g" in main
    assert "predicted_gravimetric_capacity_mAh_per_g" in main
    first = shown["comparisons"][0]
    assert first["explanation"] == rows[0]["explanation"]
    assert rows[0]["nearest_known_id"] in first["nearest"]
    (capacity,) = first["properties"]
    assert capacity["target"] == "≥ 150"
    assert capacity["predicted"] == "160 (120 to 180)"
    assert capacity["met"] == "inside"


@pytest.mark.parametrize(
    ("target", "told", "met"),
    [
        ("150:", "≥ 150", "inside"),
        (":150", "≤ 150", "outside"),
        ("200:300", "200 to 300", "outside"),
        ("160", "160", ""),
        ("", "–", ""),
    ],
)
def test_targets(target: str, told: str, met: str) -> None:
    unit = "gravimetric_capacity_mAh_per_g"
    header = f"rank,formula,nearest_known_formula,target_{unit},predicted_{unit}"
    shown = candidates_preview(f"{header}\n1,LiFePO4,LiFePO4,{target},160\n2,MgO,MgO,1:2,160\n".encode())
    assert shown is not None
    (entry,) = shown["comparisons"][0]["properties"]
    assert (entry["target"], entry["met"]) == (told, met)
