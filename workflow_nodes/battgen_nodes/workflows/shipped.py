"""The folder ``kadistudio_workflows``: generated from the nodes, so that no workflow can be older than its commands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from battgen_nodes.flows.definitions import tool_documents
from battgen_nodes.workflows import (
    characterize_an_afm_stack,
    generate_sei,
    screen_for_a_target,
    sensitivity_study,
    train_battgen,
)
from kadi_battgen.files import atomic_path
from kadi_battgen.flows.inputs import questions
from kadi_battgen.flows.model import Flow
from kadi_battgen.flows.picture import draw_flow
from kadi_battgen.flows.plan import plan_flow
from kadi_battgen.flows.tools import by_name, parse_tool

#: The workflows in the order of the README.
WORKFLOWS: tuple[ModuleType, ...] = (
    train_battgen,
    screen_for_a_target,
    characterize_an_afm_stack,
    sensitivity_study,
    generate_sei,
)

_HEAD = """\
# Workflows for KadiStudio

Open a `.flow` file in KadiStudio, the desktop program of [Kadi4Mat](https://kadi4mat.iam.kit.edu), after

    battgen init-kadistudio          # adds the battgen commands to its list of tools

or run it without KadiStudio, with answers to its questions where the defaults do not suit:

    battgen run-flow screen-for-a-target.flow --dry-run
    battgen run-flow screen-for-a-target.flow --input "Working ion=Na" --input "Number of candidates=16"
    battgen check-flow screen-for-a-target.flow

Paths in answers are relative to the folder that the workflow runs in (`--folder`). Steps leave a log each; a run that failed
or was killed goes on with `--resume`.

Uploaded to a Kadi4Mat record, workflows and the tool definitions in `tools/` are shown as such. All files here but the
screenshot are written by `make workflows` from the definitions of the commands.

![The sensitivity study in Kadi4Mat](pictures/sensitivity-study-in-kadi.png)
"""


def documents() -> dict[str, bytes]:
    """Return the content of every file of the folder by its path in it."""
    definitions = tool_documents()
    tools = by_name(parse_tool(document, name) for name, document in definitions.items())
    files = {f"tools/{name.replace(' ', '-')}.xml": document for name, document in definitions.items()}
    chapters = []
    for module in WORKFLOWS:
        flow = module.build(tools)
        files[f"{flow.name}.flow"] = flow.text().encode()
        files[f"pictures/{flow.name}.svg"] = draw_flow(flow, module.TITLE).encode()
        chapters.append(_chapter(flow, module.TITLE))
    files["README.md"] = "\n".join((_HEAD, *chapters)).encode()
    return files


def write_workflows(folder: Path) -> list[Path]:
    """Write the files, remove those of workflows and tools that are no more, and return what was written."""
    files: Mapping[str, bytes] = documents()
    for pattern in ("*.flow", "tools/*.xml", "pictures/*.svg"):
        for path in folder.glob(pattern):
            if path.relative_to(folder).as_posix() not in files:
                path.unlink()
    for name, content in files.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(content)
    return [folder / name for name in files]


def _chapter(flow: Flow, title: str) -> str:
    note = next(node.fields["text"] for node in flow.nodes if node.kind == "Note")
    asked = "\n".join(f"- {question}" for question in questions(plan_flow(flow)))
    return (
        f"## {title}\n\n`{flow.name}.flow`: {note}\n\nIt asks for\n\n{asked}\n\n![{title}](pictures/{flow.name}.svg)\n"
    )
