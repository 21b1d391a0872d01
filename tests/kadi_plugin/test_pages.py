"""Pages of HDF5 files: what is shown, filtered and browsed, read by the process that a server starts."""

from __future__ import annotations

import base64
import io
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.kadi_plugin.pictures import category_picture, colour_limits, encode_png, grey_picture, rgb_picture
from kadi_battgen.kadi_plugin.values import formula_label
from kadi_battgen.sei.store import SeiCampaign


def picture(source: str) -> np.ndarray:
    start, _, data = source.partition(",")
    assert start == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def facts(entries: list[dict[str, str]]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in entries}


def test_a_campaign_is_a_montage(page, files) -> None:
    found = page("afm-campaign")
    with AfmCampaign.open(files["afm-campaign"]) as campaign:
        assert facts(found["facts"])["Samples"] == str(len(campaign))
        assert facts(found["facts"])["Scan window"] == "21 Å"
        assert len(found["samples"]) == found["count"] == 4
        first = found["samples"][0]
        electrode = campaign.electrodes[campaign.electrode_index[0]]
        assert first["title"] == formula_label(electrode.formula_discharge)
        assert electrode.id in first["subtitle"]
        told = facts(first["properties"])
        assert told["Average voltage"] == f"{electrode.properties.average_voltage:.4g} V"
        assert told["Volume change"].endswith("(fraction)")
        captions = [entry["caption"] for entry in first["stack"]["pictures"]]
        assert captions == [f"{height:.2f} Å".replace("-", "−") for height in campaign.heights]
        assert "Hz" in first["stack"]["range"]
        # The picture is the slice, with its first row at the bottom.
        nearest = campaign.stack(0)[-1]
        shown = picture(first["stack"]["pictures"][-1]["src"])[::-1, :, 0]
        assert shown.shape == nearest.shape
        inside = (shown > 0) & (shown < 255)
        assert np.corrcoef(shown[inside], nearest[inside])[0, 1] > 0.999
    assert [entry["caption"] for entry in first["descriptors"]] == [
        "Height map",
        "Van der Waals spheres",
        "Atomic disks",
        "Type map",
    ]
    # The working ion is blue, in the Angstrom of a campaign too.
    type_map = picture(first["descriptors"][-1]["src"])
    assert (type_map[..., 2] > type_map[..., :2].max(axis=-1) + 50).any()
    assert all(entry["alt"] for entry in (*first["descriptors"], *first["stack"]["pictures"]))


def test_a_training_data_set_tells_the_conditions(page, files) -> None:
    with TrainingDataset.open(files["training-dataset"]) as dataset:
        index = int(dataset.indices("validation")[0])
        found = page("training-dataset", part="validation")
        assert found["matching"] == len(dataset.indices("validation"))
        sample = found["samples"][0]
        assert sample["index"] == index
        assert facts(sample["facts"])["Part"] == "validation"
        scaled = {entry["name"]: entry["scaled"] for entry in sample["properties"]}
        assert float(scaled["Average voltage"].replace("−", "-")) == pytest.approx(
            float(dataset.column("conditions")[index][0]), rel=6e-3, abs=1e-3
        )
        # The stack is shown in the unit that it was simulated in.
        low, high = colour_limits(dataset.stack(index).astype(np.float32) * np.float32(dataset.stack_scale), 0.1)
        assert sample["stack"]["range"].replace("−", "-") == (
            f"Frequency shift from {low:.3g} {dataset.stack_unit} (black) to {high:.3g} {dataset.stack_unit} (white)"
        )


@pytest.mark.parametrize(
    ("start", "shown"), [(0, [0, 1, 2, 3]), (7, [4, 5, 6, 7]), (10**6, [20, 21, 22, 23]), (-5, [0, 1, 2, 3])]
)
def test_pages_are_browsed(page, start: int, shown: list[int]) -> None:
    found = page("afm-campaign", start)
    assert [sample["index"] for sample in found["samples"]] == shown
    assert found["total"] == 24


def test_filters_count_and_choose(page) -> None:
    found = page("training-dataset")
    offered = {
        entry["name"]: {option["value"]: option["count"] for option in entry["options"]} for entry in found["filters"]
    }
    assert sum(offered["part"].values()) == sum(offered["working_ion"].values()) == found["total"]
    chosen = page("training-dataset", part="training", working_ion="Na")
    assert all(facts(sample["facts"]) == {"Part": "training", "Working ion": "Na"} for sample in chosen["samples"])
    assert page("training-dataset", part="no such part")["matching"] == found["total"]


def test_generated_descriptors(page) -> None:
    found = page("candidate-images")
    assert [sample["title"] for sample in found["samples"]] == ["LiFePO₄", "MgO"]
    assert facts(found["facts"])["Target: Average voltage"] == "3:4 V"
    assert found["samples"][0]["stack"] is None


def test_an_sei_campaign_is_coloured_lattices(page, files) -> None:
    from matplotlib.colors import to_rgb

    from kadi_battgen.plots.sei import SPECIES_COLOURS

    found = page("sei-campaign", 5)
    sample = found["samples"][5]
    with SeiCampaign.open(files["sei-campaign"]) as campaign:
        colours = np.array([np.array(to_rgb(colour)) * 255 for colour in SPECIES_COLOURS.values()]).round()
        np.testing.assert_array_equal(picture(sample["src"])[::-1], colours[campaign.configuration(5)])
        told = facts(sample["observables"])
        assert told["Thickness"] == f"{campaign.observables['thickness'][5]:.3g} nm"
        assert told["Porosity"] == f"{campaign.observables['porosity'][5]:.3g} (fraction)"
        assert facts(sample["barriers"])["e2"] == f"{campaign.barriers[5, 1]:.3g} eV"
        assert facts(sample["facts"])["Regime"] == campaign.regimes[5]
        assert facts(sample["facts"])["Seed"] == str(campaign.seeds[5])
    assert [entry["symbol"] for entry in found["legend"]] == list(SPECIES_COLOURS)


def test_an_sei_data_set_undoes_its_scaling(page, files) -> None:
    campaign, dataset = page("sei-campaign"), page("sei-dataset")
    for first, second in zip(campaign["samples"], dataset["samples"], strict=True):
        assert second["src"] == first["src"]
        assert second["barriers"] == first["barriers"]
        thickness = [float(facts(sample["observables"])["Thickness"].removesuffix(" nm")) for sample in (first, second)]
        assert thickness[0] == pytest.approx(thickness[1], rel=4e-3)


def test_fields_of_later_versions_do_not_disturb(page, files, tmp_path) -> None:
    path = tmp_path / "later.h5"
    path.write_bytes(files["sei-campaign"].read_bytes())
    with h5py.File(path, "r+") as file:
        file["configurations"].attrs["species"] = [*"SEAPFO", "OO", "C", "X"]
        file["observables/tortuosity"] = np.full(14, 1.5)
        file["notes"] = "new"
        del file["seed"]
        configuration = file["configurations"][0]
        configuration[5, 5] = 8
        file["configurations"][0] = configuration
    sample = page("sei-campaign", path=path)["samples"][0]
    assert sample["observables"][-1] == {"key": "tortuosity", "name": "Tortuosity", "value": "1.5"}
    assert picture(sample["src"])[::-1][5, 5].tolist() == [255, 0, 255]


@pytest.mark.parametrize(
    ("pixels", "palette"),
    [
        (np.arange(6, dtype=np.uint8).reshape(2, 3), None),
        (np.arange(18, dtype=np.uint8).reshape(2, 3, 3), None),
        (np.array([[0, 1], [1, 0]], np.uint8), np.array([[1, 2, 3], [255, 0, 9]], np.uint8)),
    ],
)
def test_png(pixels: np.ndarray, palette: np.ndarray | None) -> None:
    image: Any = Image.open(io.BytesIO(encode_png(pixels, palette)))
    expected = pixels if palette is None else palette[pixels]
    np.testing.assert_array_equal(np.asarray(image.convert("RGB") if palette is not None else image), expected)


@pytest.mark.parametrize("pixels", [np.zeros((0, 3), np.uint8), np.zeros((2, 2)), np.zeros((2, 2, 4), np.uint8)])
def test_what_is_no_picture(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="is no picture"):
        encode_png(pixels)


def test_values_that_are_no_numbers_are_black() -> None:
    values = np.array([[np.nan, np.inf], [-np.inf, 0.5]], dtype=np.float32)
    assert colour_limits(values, 1.0) == (0.5, 1.5)
    assert picture(grey_picture(values, 0.0, 1.0))[..., 0].tolist() == [[0, 127], [0, 255]]
    assert picture(rgb_picture(np.stack([values] * 3), 0.0, 1.0))[1, 0].tolist() == [0, 0, 0]
    assert picture(category_picture(np.array([[0, 9]]), ["#000000", "#FF00FF"]))[0].tolist() == [
        [0, 0, 0],
        [255, 0, 255],
    ]


def test_large_images_are_thinned() -> None:
    assert picture(grey_picture(np.zeros((700, 300), np.float32), 0.0, 1.0)).shape == (234, 100, 3)
