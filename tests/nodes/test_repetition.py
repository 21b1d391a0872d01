"""From a record to the command line that runs it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import xmlhelpy
from battgen_nodes.frame import Node, node
from battgen_nodes.main import battgen
from battgen_nodes.options import input_option, output_option
from battgen_nodes.records.repetition import command_line, recorded_command

from kadi_battgen.errors import UserError
from kadi_battgen.records import Record, Run


def record(step: str = "probe", **configuration: Any) -> Record:
    with Run(None, step=step, configuration=configuration) as run:
        pass
    return run.record


@node("probe", example="--model model/ --output out/")
@input_option("model", "Models", "models", required=False)
@input_option("table", "A table", required=False)
@xmlhelpy.option("api-token", description="A secret.")
@xmlhelpy.option("ions", description="Symbols.", param_type=xmlhelpy.TokenList)
@xmlhelpy.option("cache", description="A folder.", param_type=xmlhelpy.Path(path_type="directory"))
@xmlhelpy.option("steps", description="Number of steps.", param_type=xmlhelpy.Integer)
@xmlhelpy.option("quick", description="Be quick.", is_flag=True)
@output_option("More results.", "folder", name="more", char=None, required=False)
@output_option("Results.")
def probe(**options: Any) -> None:
    """Do nothing."""


@node("guarded", example="--password secret")
@xmlhelpy.option("password", description="A secret.", required=True)
def guarded(**options: Any) -> None:
    """Do nothing."""


def words(configuration: dict[str, Any], inputs: dict[str, Path] | None = None, command: Node = probe) -> list[str]:
    return command_line(record(**configuration), command, inputs or {}, Path("again"))


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({}, []),
        ({"steps": 3, "quick": True}, ["--steps=3", "--quick"]),
        ({"steps": None, "quick": False}, []),
        ({"steps": -3}, ["--steps=-3"]),
        ({"ions": ["Li", "Na"]}, ["--ions=Li,Na"]),
        ({"output": "../results/out.csv"}, ["--output=again/out.csv"]),
        ({"output": "out/"}, ["--output=again/out"]),
        ({"output": ".."}, ["--output=again/output"]),
        ({"output": "/"}, ["--output=again/output"]),
        ({"output": "a/x", "more": "b/x"}, ["--more=again/x", "--output=again/output/x"]),
        ({"output": "a/records"}, ["--output=again/output/records"]),
        ({"output": "reproduction.json"}, ["--output=again/output/reproduction.json"]),
        ({"cache": "~/cache"}, [f"--cache={Path.home()}/cache"]),
        ({"api_token": "hunter22"}, []),
    ],
)
def test_options_are_repeated_and_results_have_a_new_place(configuration: dict[str, Any], expected: list[str]) -> None:
    assert words(configuration) == expected


def test_inputs_are_those_that_were_recorded() -> None:
    inputs = {"table": Path("/workspace/table.csv")}
    assert words({"table": "run:earlier-run"}, inputs) == ["--table=/workspace/table.csv"]
    assert words({"table": None}, inputs) == ["--table=/workspace/table.csv"]
    assert words({}, {"config": Path("/workspace/own.yaml")}) == ["--config=/workspace/own.yaml"]


def test_of_a_single_model_the_folder_around_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "translation").mkdir()
    (tmp_path / "translation" / "card.json").write_text("{}")
    assert words({}, {"model": tmp_path / "translation"}) == [f"--model={tmp_path}"]
    assert words({}, {"model": tmp_path}) == [f"--model={tmp_path}"]


@pytest.mark.parametrize(
    ("configuration", "inputs", "message"),
    [
        ({"forgotten": 1}, {}, "has forgotten, which is no option of probe in this version"),
        ({}, {"forgotten": Path("x")}, "has forgotten, which is no option"),
        ({"no_record": True}, {}, "has no_record, which is no option"),
        ({"table": "table.csv"}, {}, "was given --table table.csv, but does not say what that held"),
    ],
)
def test_what_the_node_no_longer_takes_is_named(
    configuration: dict[str, Any], inputs: dict[str, Path], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        words(configuration, inputs)


def test_a_needed_secret_is_asked_for() -> None:
    with pytest.raises(UserError, match="a secret as --password, which no record keeps"):
        words({"password": "hunter22"}, command=guarded)


@pytest.mark.parametrize("step", ["screen", "train-translation", "fetch-electrodes"])
def test_a_step_is_the_node_of_its_name(step: str) -> None:
    assert recorded_command(record(step)) == ([step], battgen.commands[step])


@pytest.mark.parametrize(
    "step", ["demo", "kadi", "up", "reproduce", "provenance", "push", "run-flow", "rm", "../screen", "battgen"]
)
def test_what_leaves_no_record_is_never_run(step: str) -> None:
    with pytest.raises(UserError, match="is no recorded command of this version"):
        recorded_command(record(step))
