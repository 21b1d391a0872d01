"""The build is run for real on one four-atom crystal where both potentials are installed."""

from functools import cache

import pytest

pytest.importorskip("chgnet", reason="the optional extra 'potentials' is not installed (chgnet)")
pytest.importorskip("sevenn", reason="the optional extra 'potentials' is not installed (sevenn)")

from kadi_battgen.electrodes.building import build, relaxation
from kadi_battgen.electrodes.building.__main__ import main
from kadi_battgen.electrodes.building.assemble import assemble
from kadi_battgen.electrodes.building.candidates import Candidate, crystal
from kadi_battgen.electrodes.building.prototypes import layered_o1
from kadi_battgen.electrodes.building.relaxation import LABEL_MODEL, SECOND_MODEL, calculator


@pytest.fixture(scope="module")
def candidate():
    cell = crystal(layered_o1("Li", "Ti", "S"))
    return Candidate(
        key="host-1_Li",
        kind="host",
        working_ion="Li",
        framework="O1",
        source_id="test",
        discharge=cell,
        removed=(cell["species"].index("Li"),),
    )


@pytest.fixture(scope="module")
def finished(candidate, tmp_path_factory):
    folder = tmp_path_factory.mktemp("build")
    assert build.run_candidates([candidate], folder, metals()) == 1
    return folder


@cache
def metals():
    """Energies of lithium metal with both models, eV/atom."""
    from ase.build import bulk

    energies = {}
    for model in (LABEL_MODEL, SECOND_MODEL):
        atoms = bulk("Li", "bcc", a=3.44)
        atoms.calc = calculator(model)
        energies[model] = {"Li": float(atoms.get_potential_energy())}
    return energies


def test_second_run_computes_nothing(candidate, finished):
    before = (finished / build.RESULTS).read_bytes()
    assert build.run_candidates([candidate], finished, metals()) == 0
    assert (finished / build.RESULTS).read_bytes() == before


def test_a_line_cut_short_by_a_kill_is_computed_again(candidate, finished, tmp_path):
    content = (finished / build.RESULTS).read_bytes()
    (tmp_path / build.RESULTS).write_bytes(content + content[:500])
    assert [record["key"] for record in build.read_results(tmp_path)] == ["host-1_Li"]
    assert (tmp_path / build.RESULTS).read_bytes() == content


def test_a_hopeless_candidate_is_not_handed_to_the_dearer_model(candidate):
    record = relaxation.compute(candidate, hopeless=lambda record: "voltage outside range")
    assert record["error"] == "voltage outside range"
    assert set(record["models"]) == {SECOND_MODEL}


def test_lithium_titanium_disulfide_comes_out_right(finished):
    (electrode,), metadata = assemble(build.read_results(finished), metals())
    assert (electrode.formula_charge, electrode.formula_discharge) == ("TiS2", "LiTiS2")
    # Measured: 2.1 V (Whittingham 1976); the OQMD's DFT gives 1.93 V.
    assert electrode.properties.average_voltage == pytest.approx(1.93, abs=0.15)
    assert electrode.properties.volume_change < 0.12
    assert electrode.voltage_spread < 0.2
    assert electrode.method.startswith("7net-l3i5")
    assert metadata["candidates"] == {"host": 1}


def test_a_missing_wheel_ends_with_status_two(tmp_path, capsys):
    arguments = [
        "--wheel",
        str(tmp_path / "none.whl"),
        "--work-folder",
        str(tmp_path),
        "--output",
        str(tmp_path / "o.gz"),
    ]
    assert main(arguments) == 2
    assert "pip download" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
