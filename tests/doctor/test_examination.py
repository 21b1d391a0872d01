"""All checks together."""

from __future__ import annotations

from kadi_battgen.doctor import examination, examine


def test_the_order_is_that_of_the_checks_and_one_that_fails_is_a_finding(tmp_path, monkeypatch):
    def examine_browser():
        raise OSError("no bus")

    monkeypatch.setattr(examination, "examine_browser", examine_browser)
    found = examine(tmp_path, "local", ["battgen screen"])
    assert list(dict.fromkeys(finding.group for finding in found)) == ["packages", "machine", "devices", "services"]
    assert found[-1].state == "problem"
    assert found[-1].name == "browser"
    assert "OSError: no bus" in found[-1].value
