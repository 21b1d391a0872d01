"""The data card of a campaign: every number on it is that of the file."""

from __future__ import annotations

from kadi_battgen.afm.card import write_card
from kadi_battgen.afm.store import AfmCampaign


def test_a_card_tells_what_the_campaign_holds(tiny_campaign, tmp_path):
    write_card(tmp_path / "card.md", tiny_campaign)
    text = (tmp_path / "card.md").read_text()
    with AfmCampaign.open(tiny_campaign) as campaign:
        stacks, invalid = len(campaign), int((~campaign.valid).sum())
        largest = max(electrode.properties.average_voltage for electrode in campaign.electrodes)
    assert f"{stacks} simulated AFM stacks of 12 electrodes" in text
    assert "| pixels | 32 x 32 |" in text
    assert "| scan window | 21 x 21 Angstrom |" in text
    assert "| Li | 4 |" in text
    voltages = next(line for line in text.splitlines() if line.startswith("| Average voltage"))
    assert voltages.endswith(f"| {largest:.4g} |")
    assert (f"{invalid} of {stacks} stacks" in text) == bool(invalid)
    assert "Every electrode was simulated." in text
