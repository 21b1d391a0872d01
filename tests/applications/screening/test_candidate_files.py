"""Tables and images of candidates."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from kadi_battgen.applications.screening.candidate_files import (
    read_candidate_images,
    read_candidate_table,
    write_candidate_images,
    write_candidates,
)
from kadi_battgen.applications.screening.ranking import rank_candidates
from kadi_battgen.applications.screening.targets import Target
from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.errors import UserError

TARGET = Target.parse("Li", {"gravimetric_capacity": "200:", "average_voltage": "0:9"})


def test_the_table_has_units_and_the_same_bytes(assess, tmp_path):
    ranked = rank_candidates([assess("LiCoO2"), assess("CoO2", 1)])
    for name in ("first.csv", "second.csv"):
        write_candidates(tmp_path / name, ranked)
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()
    with open(tmp_path / "first.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    best = rows[0]
    assert (best["rank"], best["formula"], best["working_ion"]) == ("1", "LiCoO2", "Li")
    assert best["theoretical_gravimetric_capacity_mAh_per_g"] == "273.84"
    assert best["target_gravimetric_capacity_mAh_per_g"] == "200:"
    assert best["asked_gravimetric_capacity_mAh_per_g"] == "210.0"
    assert best["asked_average_voltage_V"] == best["target_volume_change_fraction"] == ""
    assert best["formula_charge"] == "Co1O2"
    assert best["predicted_average_voltage_V"] == "3.5"
    assert (best["predicted_average_voltage_V_low"], best["predicted_average_voltage_V_high"]) == ("3.48", "3.52")
    assert best["composition_interval"] == "Li 1; O 2; Co 1"
    assert best["explanation"].startswith("holds Li; charges balance")
    assert best["nearest_known_distance_fraction"] == "0.0"
    counts = np.array([float(count) for count in best["composition_vector"].split(";")])
    np.testing.assert_array_equal(counts, composition_vector("LiCoO2"))
    assert best["seed"] == "7"


def test_json_and_csv_say_the_same(assess, tmp_path):
    ranked = rank_candidates([assess("LiCoO2"), assess("CoO2", 1)])
    for name in ("candidates.csv", "candidates.json"):
        write_candidates(tmp_path / name, ranked, [{"verified_average_voltage_V": 3.9}])
    rows = read_candidate_table(tmp_path / "candidates.csv")
    assert rows == read_candidate_table(tmp_path / "candidates.json")
    assert [row["verified_average_voltage_V"] for row in rows] == ["3.9", ""]
    document = json.loads((tmp_path / "candidates.json").read_text())
    assert document["target"] == TARGET.describe()
    assert document["candidates"][0]["rank"] == 1
    assert document["candidates"][0]["asked_average_voltage_V"] is None


@pytest.mark.parametrize(
    ("name", "content"), [("c.csv", ""), ("c.csv", "a,b\n1,2\n"), ("c.json", "[]"), ("c.json", '{"candidates": []}')]
)
def test_what_is_no_table_is_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=rf"{name} is no table of candidates: make one with battgen screen"):
        read_candidate_table(tmp_path / name)


def test_images_come_back_with_target_and_conventions(assess, tmp_path):
    images = np.random.default_rng(0).random((2, 6, 8, 8))
    card = {"normalisation": {"descriptors": {"names": ["height_map"]}}, "conventions": {"unit": "Hz"}}
    for name in ("first.h5", "second.h5"):
        write_candidate_images(tmp_path / name, [assess("LiCoO2"), assess("CoO2")], images, card, TARGET)
    assert (tmp_path / "first.h5").read_bytes() == (tmp_path / "second.h5").read_bytes()
    read, target, conventions = read_candidate_images(tmp_path / "first.h5")
    np.testing.assert_allclose(read, images, atol=5e-4)
    assert target == TARGET.describe()
    assert conventions == {"unit": "Hz"}
    (tmp_path / "first.h5").write_bytes(b"")
    with pytest.raises(UserError, match=r"first\.h5 is empty.*battgen screen --images"):
        read_candidate_images(tmp_path / "first.h5")
