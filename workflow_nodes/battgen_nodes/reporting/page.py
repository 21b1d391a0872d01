"""The report of a chain: the sections of its steps in the order that a reader wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from battgen_nodes.reporting import battgen, data, sei
from battgen_nodes.reporting.chain import Chain, Step
from kadi_battgen.errors import UserError
from kadi_battgen.plots.report import Column, ProvenanceStep, Section, Table, write_report
from kadi_battgen.records import record_facts

if TYPE_CHECKING:
    from kadi_battgen.plots.report import KeyFigure

#: Type of the records of trainings.
TRAINING = "model-training"

#: What shows each type of record, in the order of the report: results first, sources last.
_BUILDERS: dict[str, Callable[..., list[Section]]] = {
    "screening": battgen.screening_sections,
    "evaluation": battgen.evaluation_sections,
    TRAINING: battgen.training_sections,
    "training-dataset": data.dataset_sections,
    "afm-campaign": data.campaign_sections,
    "electrode-cleaning": data.electrode_sections,
    "electrode-dataset": data.electrode_sections,
    "sei-generation": sei.generation_sections,
    "sei-characterization": sei.characterization_sections,
    "sei-campaign": sei.campaign_sections,
}


def write_chain_report(path: str, chain: Chain) -> list[str]:
    """Write the page of a chain and return a sentence for each step that could not be shown.

    Parameters
    ----------
    path
        The HTML file.
    chain
        Its records.
    """
    sections: list[Section] = []
    missing: list[str] = []
    for kind in (*_others(chain), *_BUILDERS):
        steps = list(chain.of(kind))
        # Trainings stand beside each other in one section, everything else for itself.
        for group in [steps] if kind == TRAINING and steps else [[step] for step in steps]:
            try:
                sections += _BUILDERS.get(kind, _plain_sections)(*group)
            except UserError as error:
                missing.append(f"{group[0].record.identifier} is not shown: {error}")
    sections += _ended_badly(chain)
    sections.append(_provenance(chain))
    titles = [step.record.title for step in chain.named]
    summary = [
        f"{len(chain.named)} run{'s' * (len(chain.named) > 1)} and the {len(chain.steps) - len(chain.named)} that "
        f"{'they' if len(chain.named) > 1 else 'it'} stand{'s' * (len(chain.named) == 1)} on: {'; '.join(titles)}.",
        *missing,
    ]
    write_report(
        path, "; ".join(titles) if len(titles) < 3 else "Report of a chain", summary, sections, _headline(chain)
    )
    return missing


def _others(chain: Chain) -> Iterator[str]:
    """Yield the record types that the user named and that have no view of their own."""
    named = dict.fromkeys(step.record.record_type for step in chain.named)
    return (kind for kind in named if kind not in _BUILDERS)


def _headline(chain: Chain) -> list[KeyFigure]:
    evaluation = next(chain.of("evaluation"), None)
    return [] if evaluation is None else battgen.key_figures(evaluation)


def _plain_sections(step: Step) -> list[Section]:
    """Return what can be told of any run: what it measured."""
    rows = [(entry.name.replace("_", " "), entry.value, entry.unit, entry.part or "") for entry in step.record.metrics]
    columns = (Column("Quantity"), Column("Value", kind="number"), Column("Unit"), Column("Part"))
    tables = [Table(columns, rows, "What the run measured.", sortable=len(rows) > 10)] if rows else []
    return [Section(step.record.title, [step.record.description] * bool(step.record.description), tables=tables)]


def _ended_badly(chain: Chain) -> list[Section]:
    """Return a section on the runs that the user named and that did not succeed."""
    rows = [
        (
            step.record.title,
            step.record.identifier,
            step.record.state,
            step.record.error.message if step.record.error else "",
        )
        for step in chain.named
        if step.record.state != "succeeded"
    ]
    columns = (Column("Run"), Column("Record", kind="code"), Column("Ended as"), Column("Because"))
    return [Section("Runs without a result", tables=[Table(columns, rows)])] if rows else []


def _provenance(chain: Chain) -> Section:
    steps = [
        ProvenanceStep(
            step.record.title,
            step.record.identifier,
            [link.record for link in step.record.links],
            record_facts(step.record),
        )
        for step in chain.steps
    ]
    text = "Every step left a record with its inputs, configuration, seed, versions and checksums."
    return Section("Provenance", [text], provenance=steps)
