"""The build is run for real on one four-atom crystal where both potentials are installed."""

import pytest

pytest.importorskip("chgnet", reason="the optional extra 'potentials' is not installed (chgnet)")
pytest.importorskip("sevenn", reason="the optional extra 'potentials' is not installed (sevenn)")

from kadi_battgen.electrodes.building import build
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
    assert build.run_candidates([candidate], folder) == 1
    return folder


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
    assert build.run_candidates([candidate], finished) == 0
    assert (finished / build.RESULTS).read_bytes() == before


def test_a_line_cut_short_by_a_kill_is_computed_again(candidate, finished, tmp_path):
    content = (finished / build.RESULTS).read_bytes()
    (tmp_path / build.RESULTS).write_bytes(content + content[:500])
    assert [record["key"] for record in build.read_results(tmp_path)] == ["host-1_Li"]
    assert (tmp_path / build.RESULTS).read_bytes() == content


def test_lithium_titanium_disulfide_comes_out_right(finished):
    (electrode,), metadata = assemble(build.read_results(finished), metals())
    assert (electrode.formula_charge, electrode.formula_discharge) == ("TiS2", "LiTiS2")
    # Measured: 2.1 V (Whittingham 1976); the OQMD's DFT gives 1.93 V.
    assert electrode.properties.average_voltage == pytest.approx(1.93, abs=0.15)
    assert electrode.properties.volume_change < 0.12
    assert electrode.voltage_spread < 0.2
    assert electrode.method.startswith("7net-l3i5")
    assert metadata["candidates"] == {"host": 1}


def test_ions_take_turns():
    queues = {
        ion: [Candidate(f"{ion}{i}", "host", ion, "", "", {"species": [ion]}) for i in range(count)]
        for ion, count in (("Li", 4), ("Na", 2))
    }
    assert [c.key for c in build._take_turns(queues)] == ["Li0", "Na0", "Li1", "Li2", "Na1", "Li3"]


def test_crystals_come_before_prototypes_of_the_same_composition(small_database):
    candidates = build.select_candidates(small_database)
    keys = [candidate.key for candidate in candidates]
    assert len(set(keys)) == len(keys)
    assert candidates[0].kind == "pair"
    assert "host-4_Li" in keys
    assert "prototype-layered_o3-Li-Co-O_Li" not in keys
    assert "prototype-layered_o3-Na-Co-O_Na" in keys


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
