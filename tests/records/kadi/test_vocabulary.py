"""The tables agree with the rest of the program, and their terms are terms."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import battgen_nodes
import pytest
from battgen_nodes.main import battgen

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.electrodes.properties import WORKING_IONS as IONS_OF_ELECTRODES
from kadi_battgen.records.kadi import vocabulary
from kadi_battgen.records.kadi.limits import iri
from kadi_battgen.records.kadi.record_types import RECORD_TYPES
from kadi_battgen.records.kadi.vocabulary import FILE, GROUP_TERMS, MACHINE, QUANTITIES, RUN, SOFTWARE, UNITS

FIELDS = [*QUANTITIES.values(), *RUN, *FILE, *SOFTWARE, *MACHINE]
TERMS = sorted({field.term for field in FIELDS if field.term} | set(GROUP_TERMS.values()))


@pytest.mark.parametrize("term", TERMS)
def test_terms_exist_in_their_vocabulary(term: str) -> None:
    from rdflib import PROV, SDO

    namespace, name = re.fullmatch(r"(.*[/#])([^/#]+)", term).groups()
    assert iri(term) == term
    if namespace == str(PROV):
        assert name in PROV.__annotations__
    elif namespace == str(SDO):
        assert name in SDO.__annotations__
    else:
        # EMMO and QUDT were looked up in their published files; only their form is checked here.
        assert namespace in (
            "https://w3id.org/emmo#",
            "https://w3id.org/emmo/domain/electrochemistry#",
            "http://qudt.org/vocab/quantitykind/",
        )
        uuid = r"[0-9a-f]{8}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{12}"
        assert re.fullmatch(rf"EMMO_{uuid}|electrochemistry_{uuid}|[A-Z][A-Za-z]+", name)


def test_every_unit_has_a_term() -> None:
    assert {field.unit for field in FIELDS if field.unit} <= set(UNITS)
    for term in UNITS.values():
        assert re.fullmatch(r"http://qudt\.org/vocab/unit/[A-Za-z0-9-]+", term)


def test_functional_properties_are_the_programs_own() -> None:
    for name, entry in FUNCTIONAL_PROPERTIES.items():
        assert QUANTITIES[name].unit == entry.unit
        assert QUANTITIES[name].may_be_range
        assert QUANTITIES[name].term
    assert tuple(IONS_OF_ELECTRODES) == vocabulary.WORKING_IONS


def record_types_of_nodes() -> dict[str, set[str]]:
    """Return the types that nodes give their records, with the commands that do."""
    found: dict[str, set[str]] = {}
    for path in Path(battgen_nodes.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) == "start_run"
                and isinstance(node.args[0], ast.Constant)
            ):
                found.setdefault(node.args[0].value, set()).add(path.stem.replace("_", "-"))
    return found


def test_every_type_of_record_has_a_template() -> None:
    types = record_types_of_nodes()
    assert len(types) >= 9
    assert set(types) <= set(RECORD_TYPES)


def test_templates_ask_for_options_that_the_commands_have() -> None:
    for kind, commands in record_types_of_nodes().items():
        known = {
            parameter.name
            for command in commands & set(battgen.commands)
            for parameter in battgen.commands[command].params
        }
        if known:
            assert {field.key for field in RECORD_TYPES[kind].options} <= known, kind
