"""The node clean."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import xmlhelpy

from battgen_nodes.frame import SETTINGS, node, result, say
from battgen_nodes.options import input_option, output_option, seed_option
from battgen_nodes.recording import start_run

if TYPE_CHECKING:
    from kadi_battgen.datasets.cleaning import Cleaned
    from kadi_battgen.datasets.cleaning.step import Step


@node(
    "clean",
    example="--electrodes electrodes.json.gz --output clean.json.gz --audit audit.csv",
    takes_settings=" and the list 'steps:' of the cleaning",
)
@input_option(
    "electrodes",
    "Electrode collection (.json, .json.gz), or a table of properties (CSV, columns recognised by name and unit)",
    char="e",
)
@xmlhelpy.option(
    "preset",
    char="p",
    default="default",
    param_type=xmlhelpy.Choice(["default", "thesis"]),
    description="Steps of the cleaning where --config lists none: physical checks, duplicates, outliers and robust scaling, "
    "or duplicates and min-max scaling as in the thesis.",
)
@input_option(
    "apply",
    "Clean with the constants of an earlier cleaning, without fitting: the collection it wrote, or its --pipeline",
    required=False,
)
@xmlhelpy.option(
    "split",
    description="Fractions of the compositions in training, validation and test, such as 0.7,0.15,0.15; then the steps take "
    "their constants from the training part alone, as they do where a table has a column part with these names.",
)
@seed_option("Seed of the split; steps have seeds of their own.")
@output_option(
    "Audit table (CSV): step, row, column, action, value before and after, reason.",
    name="audit",
    char="a",
    required=False,
)
@output_option("Summary of the cleaning (Markdown).", name="summary", char=None, required=False)
@output_option("Fitted pipeline (JSON), for --apply.", name="pipeline", char=None, required=False)
@output_option(
    "Table (CSV) of the cleaned rows with scaled and encoded columns.", name="table", char="t", required=False
)
@output_option("Cleaned electrodes: a collection (.json, .json.gz), or a table (.csv).")
def clean(
    electrodes: str,
    preset: str,
    apply: str | None,
    split: str | None,
    seed: int,
    audit: str | None,
    summary: str | None,
    pipeline: str | None,
    table: str | None,
    output: str,
) -> None:
    """Check, deduplicate and scale electrodes, and write down every decision.

    The steps of the cleaning stand in the YAML file of --config, in their order, as the list 'steps:' beside any options;
    each names itself and its fields, such as '- {step: ranges, limits: {average_voltage: [-2, 7], volume_change: [0, 1]}}'
    or '- {step: outliers, method: iqr, action: flag}'. Steps are invariants, ranges, missing, duplicates, outliers,
    reduce-rows, reduce-columns, scale and encode; a wrong key is answered with those that a step takes. A collection keeps
    its physical values: scaled and encoded columns go to --table.
    """
    from kadi_battgen.datasets.cleaning import audit as audits
    from kadi_battgen.datasets.cleaning.reading import read_rows, write_table
    from kadi_battgen.datasets.cleaning.split import training_rows, with_parts
    from kadi_battgen.datasets.cleaning.summary import markdown_summary, step_lines
    from kadi_battgen.electrodes.card import card_path
    from kadi_battgen.errors import UserError
    from kadi_battgen.files import write_json, write_text

    steps = _steps(preset)
    if apply is not None:
        if split is not None or click.get_current_context().meta.get(SETTINGS):
            raise UserError("--apply takes steps and constants of an earlier cleaning: leave --split and 'steps:' out.")
        steps = None
    with start_run("electrode-cleaning", "Cleaned electrodes", seed) as run:
        source = read_rows(run.input("electrodes", electrodes))
        if source.collection is None and not output.endswith(".csv"):
            raise UserError(
                f"{electrodes} holds no structures, so {output} cannot be a collection: name an output .csv."
            )
        rows = source.table if split is None else with_parts(source.table, split, seed)
        if steps is None:
            cleaned = _fitted(run.input("apply", str(apply))).transform(rows)
        else:
            from kadi_battgen.datasets.cleaning.pipeline import fit_transform

            cleaned = fit_transform(steps, rows, training_rows(rows))
        decisions = (*source.decisions, *cleaned.decisions)
        if output.endswith(".csv"):
            write_table(output, cleaned.table)
        else:
            _write_collection(output, source, cleaned, decisions)
        if source.collection is not None:
            run.record.license = run.record.license or source.collection.license
        with tempfile.TemporaryDirectory() as folder:
            written = {
                "audit": (
                    audit or f"{folder}/audit.csv",
                    "What was decided about every row, value and column, and why",
                ),
                "summary": (
                    summary or f"{folder}/summary.md",
                    "What each step did and why, and the spread of properties",
                ),
                "pipeline": (pipeline or f"{folder}/pipeline.json", "Steps with the constants they took from the data"),
            }
            audits.write_audit(written["audit"][0], decisions)
            write_text(written["summary"][0], markdown_summary(source.table, source.decisions, source.rows, cleaned))
            write_json(written["pipeline"][0], cleaned.pipeline.to_json())
            run.add_file(output, description=f"{len(cleaned.table)} cleaned electrodes")
            # They tell about the result; as previews they leave run:ID to mean the electrodes.
            if not output.endswith(".csv"):
                run.add_file(card_path(output), role="preview", description="Data card of the collection")
            for path, description in written.values():
                run.add_file(path, role="preview", description=description)
        if table is not None:
            write_table(table, cleaned.table)
            run.add_file(table, role="preview", description="Cleaned rows with scaled and encoded columns")
        for entry in cleaned.summary:
            run.add_metric("rows_in", entry.rows_in, part=entry.step)
            run.add_metric("rows_out", entry.rows_out, part=entry.step)
        run.add_metric("rows_in", source.rows)
        run.add_metric("rows_out", len(cleaned.table))
    if source.rows > len(source.table):
        say(f"{source.rows - len(source.table)} of {source.rows} rows could not be taken; the audit says why")
    for line in step_lines(cleaned.summary):
        say(line)
    for made in (output, table, audit, summary, pipeline):
        if made is not None:
            result(made)


def _steps(preset: str) -> tuple[Step, ...] | None:
    """Return the steps that --config lists, else those of the preset."""
    from kadi_battgen.datasets.cleaning.settings import load_steps, preset_steps
    from kadi_battgen.errors import UserError

    context = click.get_current_context()
    settings = context.meta.get(SETTINGS, ())
    config = context.params["config"]
    unknown = [name for name in settings if name != "steps"]
    if unknown:
        options = [
            parameter.param_name for parameter in context.command.params if isinstance(parameter, xmlhelpy.core.Option)
        ]
        raise UserError(f"{config}: unknown key {unknown[0]!r}: choose from steps, {', '.join(sorted(options))}.")
    return load_steps(config) if settings else preset_steps(preset)


def _fitted(path: str | Path) -> Any:
    """Return the pipeline in the JSON of --pipeline, or the latest one of a cleaned collection."""
    from kadi_battgen.datasets.cleaning.pipeline import SCHEMA, FittedPipeline
    from kadi_battgen.datasets.cleaning.provenance import CLEANING
    from kadi_battgen.electrodes.collection import read_electrodes
    from kadi_battgen.errors import UserError
    from kadi_battgen.files import read_json

    if not str(path).endswith(".gz"):
        document = read_json(path)
        if isinstance(document, dict) and document.get("schema") == SCHEMA:
            return FittedPipeline.from_json(document, str(path))
    cleanings = read_electrodes(path).metadata.get(CLEANING) or []
    if not cleanings:
        raise UserError(f"{path} was not cleaned by battgen clean: name what it wrote, or its --pipeline.")
    return FittedPipeline.from_json(cleanings[-1], str(path))


def _write_collection(output: str, source: Any, cleaned: Cleaned, decisions: Any) -> None:
    """Write the electrodes that are left, with the cleaning among their metadata."""
    from kadi_battgen.datasets.cleaning.audit import audit_digest
    from kadi_battgen.datasets.cleaning.provenance import CLEANING
    from kadi_battgen.datasets.cleaning.reading import cleaned_collection
    from kadi_battgen.electrodes.card import card_path, write_card
    from kadi_battgen.electrodes.collection import write_electrodes

    before = source.collection.metadata
    document = {**cleaned.document(), "audit_sha256": audit_digest(decisions), "rows_in": source.rows}
    metadata = {**before, CLEANING: [*before.get(CLEANING, []), document]}
    collection = cleaned_collection(source.collection, cleaned.table, metadata)
    write_electrodes(output, collection.electrodes, collection.metadata)
    write_card(card_path(output), collection, Path(output).name)
