"""Generated configurations in a campaign's layout: read like one, and never taken for a simulation."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from kadi_battgen.datasets.sei import build_sei_dataset
from kadi_battgen.errors import UserError
from kadi_battgen.sei.card import write_card
from kadi_battgen.sei.chemistry import BOUNDARY, ELECTRODE, INORGANIC, SOLVENT, SeiModel
from kadi_battgen.sei.generated import GeneratedConfigurations, write_generated
from kadi_battgen.sei.observables import observables
from kadi_battgen.sei.store import NOT_SIMULATED, SeiCampaign
from kadi_battgen.sei.table import write_observables

COUNT, LATENT = 8, 3


def _generated(barriers=None):
    stack = np.full((COUNT, 10, 12), SOLVENT, np.uint8)
    for number in range(COUNT):
        stack[number, 1, :number] = INORGANIC
    stack[:, 0], stack[:, -1] = ELECTRODE, BOUNDARY
    values = np.arange(COUNT, dtype=float)
    return GeneratedConfigurations(
        configurations=stack,
        barriers=barriers,
        seeds=np.arange(COUNT, dtype=np.uint64),
        latent=np.ones((COUNT, LATENT)),
        asked={"thickness": values / 12},
        predicted={"thickness": values / 12 + 0.01, "flux": values / 12},
        deviation={"thickness": values * 0.01, "flux": values * 0.01},
        miss=values / 100,
        changed_sites=np.arange(COUNT),
        unfamiliarity=values,
    )


def _write(path, generated):
    write_generated(
        path,
        generated,
        model=SeiModel().model_dump(mode="json", exclude={"barriers", "max_events", "max_time"}),
        settings={"seed": 4, "draws": 80},
        origin={"target": {"thickness": "0:1 nm"}},
    )


@pytest.mark.parametrize("barriers", [None, np.full((COUNT, 15), 0.4)], ids=["no barriers", "barriers"])
def test_a_generated_file_reads_like_a_campaign_and_says_that_nothing_was_simulated(tmp_path, barriers):
    path, table, card = (tmp_path / name for name in ("generated.h5", "observables.csv", "generated.card.md"))
    generated = _generated(barriers)
    _write(path, generated)
    with SeiCampaign.open(path) as campaign:
        assert not campaign.is_simulated
        assert (campaign.stop_reasons == NOT_SIMULATED).all()
        assert not campaign.events.any()
        assert np.isnan(campaign.time).all()
        assert np.isnan(campaign.barriers).all() == (barriers is None)
        np.testing.assert_array_equal(campaign.configurations(), generated.configurations)
        np.testing.assert_array_equal(
            campaign.observables["thickness"], observables(generated.configurations)["thickness"]
        )
        np.testing.assert_array_equal(campaign.generated("predicted/thickness"), generated.predicted["thickness"])
        with pytest.raises(UserError, match="generated/price"):
            campaign.generated("price")

    assert write_observables(path, table, barriers=True) == COUNT
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["events"], row["time_s"], row["valid"]) for row in rows} == {("", "", "1")}
    assert {row["e1_eV"] for row in rows} == {"" if barriers is None else "0.4"}

    write_card(card, path)
    text = card.read_text()
    for words in (
        "Nothing was simulated",
        "thickness 0:1 nm",
        "8 of 80 draws",
        "seed\n  4",
        "`dimers_paired` | 8 | 100.0%",
    ):
        assert words in text
    with pytest.raises(UserError, match="generated configurations, which no model is to learn from"):
        build_sei_dataset([path], tmp_path / "dataset.h5", progress=False)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("one.h5", "two.h5"):
        _write(tmp_path / name, _generated())
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
