"""In a real Kadi4Mat and a real browser: what a user sees, what others do not, and what is left without the plugin."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kadi_battgen.files import sha256_file
from kadi_battgen.kadi_plugin.kinds import KINDS
from kadi_battgen.records import LocalStore, Record, Run
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.instance import Instance
from kadi_battgen.records.kadi.push import push
from kadi_battgen.sandbox.environment import Environment
from kadi_battgen.sandbox.services import process_variables

#: Kadi4Mat and Chromium on a machine that does other things too.
PATIENCE = 60_000

#: A title that a page must show as it is, and must not run.
MALICIOUS = "Screening {$ 6 * 7 $} <img src=x onerror=alert(1)>"


@dataclass
class Chain:
    """Records in Kadi4Mat: their numbers there by step, and the numbers of their files by name."""

    numbers: dict[str, int] = field(default_factory=dict)
    identifiers: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)

    def address(self, name: str) -> str:
        record, file = self.files[name]
        return f"records/{record}/files/{file}"


@pytest.fixture(scope="module")
def chain(
    kadi_sandbox: Any,
    tmp_path_factory: pytest.TempPathFactory,
    files: dict[str, Path],
    model_folder: Path,
    candidates_table: Path,
) -> Iterator[Chain]:
    """Run the steps of a chain, with the real file of each, and push them."""
    folder = tmp_path_factory.mktemp("chain")
    store = LocalStore(folder / "records")
    broken = folder / "broken.h5"
    broken.write_bytes(files["sei-campaign"].read_bytes()[:9000])
    steps: list[tuple[str, str, list[Path], dict[str, Path]]] = [
        ("simulate-afm", "AFM campaign of the tests", [files["afm-campaign"]], {}),
        ("build-dataset", "Data set of the tests", [files["training-dataset"]], {"afm": files["afm-campaign"]}),
        ("train-composition", "Model of the tests", [model_folder], {"dataset": files["training-dataset"]}),
        ("screen", MALICIOUS, [candidates_table, files["candidate-images"]], {"model": model_folder}),
        ("simulate-sei", "SEI of the tests", [files["sei-campaign"], broken], {}),
        ("build-sei-dataset", "SEI data set of the tests", [files["sei-dataset"]], {"sei": files["sei-campaign"]}),
    ]
    found = Chain()
    records: list[Record] = []
    for step, title, made, inputs in steps:
        with Run(store, step=step, title=title) as run:
            for role, path in inputs.items():
                run.add_input(role, path)
            for path in made:
                run.add_file(path)
                for part in path.rglob("*") if path.is_dir() else [path]:
                    found.paths[part.relative_to(path.parent).as_posix()] = part
            if step == "train-composition":
                run.add_metric("mean_absolute_error", 0.125, unit="V", part="test")
        records.append(run.record)
    connection = kadi_sandbox.connection
    client = KadiClient(Instance("sandbox", connection.host, connection.token, timeout=60))
    push(store, client, progress=False)
    for record in records:
        number = client.find("records", record.identifier)["id"]
        found.numbers[record.step], found.identifiers[record.step] = number, record.identifier
        for entry in client.items(f"/records/{number}/files", "files"):
            found.files[entry["name"]] = (number, entry["id"])
    yield found
    client.close()


@pytest.fixture(scope="module")
def stranger(kadi_sandbox: Any) -> Any:
    """Another user of the instance."""
    return kadi_sandbox.sandbox.create_user("preview-reader")


@pytest.fixture
def stranger_page(log_in: Any, stranger: Any) -> Any:
    """Page of a browser in which the other user is logged in."""
    return log_in(stranger)


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Folder in which pictures of what was seen are kept."""
    folder = Path(os.environ.get("BATTGEN_TEST_ARTIFACTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def visit(kadi_page: Any, kadi_sandbox: Any, chain: Chain, artifacts: Path) -> Iterator[Any]:
    """Return a function that opens a page in Kadi4Mat and waits for a part of it; nothing may fail on the way."""
    host = kadi_sandbox.connection.host
    troubles: list[str] = []
    kadi_page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    kadi_page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
    kadi_page.on(
        "request", lambda made: troubles.append(made.url) if not made.url.startswith((host, "data:")) else None
    )

    def open_page(address: str, selector: str, picture: str) -> Any:
        kadi_page.goto(f"{host}/{address}")
        part = kadi_page.locator(selector)
        part.wait_for(timeout=PATIENCE)
        kadi_page.wait_for_function("[...document.images].every((image) => image.complete)", timeout=PATIENCE)
        # Nothing but the table of candidates, which scrolls, is wider than its place.
        assert part.evaluate("(node) => node.scrollWidth <= node.clientWidth + 1")
        kadi_page.screenshot(path=artifacts / f"kadi-{picture}.png", full_page=True)
        assert (artifacts / f"kadi-{picture}.png").stat().st_size > 20_000
        return part

    yield open_page
    assert troubles == []


@pytest.mark.parametrize(
    ("name", "kind", "heading", "texts"),
    [
        (
            "afm.h5",
            "afm-campaign",
            "AFM campaign",
            ["Samples 1 to 4 of 24", "Average voltage", "mAh/g", "0.85 Å", "Hz"],
        ),
        ("dataset.h5", "training-dataset", "Training data set", ["Samples 1 to 4 of", "condition", "Van der Waals"]),
        ("images.h5", "candidate-images", "Generated descriptors", ["LiFePO₄", "Type map", "3:4 V"]),
    ],
)
def test_montages(visit: Any, chain: Chain, name: str, kind: str, heading: str, texts: list[str]) -> None:
    montage = visit(chain.address(name), "section.battgen-images", kind)
    assert montage.locator("h5").inner_text() == heading
    shown = montage.inner_text()
    assert all(text in shown for text in texts)
    pictures = montage.locator("img")
    assert pictures.count() >= 8
    assert pictures.evaluate_all("(nodes) => nodes.every((node) => node.naturalWidth > 0 && node.alt)")


def test_a_montage_is_browsed_by_keyboard(visit: Any, chain: Chain, kadi_page: Any) -> None:
    montage = visit(chain.address("dataset.h5"), "section.battgen-images", "browsed")
    status = montage.locator(".battgen-range")
    montage.locator(".battgen-next").focus()
    kadi_page.keyboard.press("Enter")
    status.filter(has_text="Samples 5 to 8").wait_for(timeout=PATIENCE)
    assert "sample 4" in montage.locator("h6").first.inner_text()
    montage.locator("select[name=part]").select_option("test")
    status.filter(has_text="chosen of").wait_for(timeout=PATIENCE)
    assert set(re.findall(r"Part\s+(\w+)", montage.inner_text())) >= {"test"}
    montage.locator(".battgen-position").fill("2")
    kadi_page.keyboard.press("Enter")
    status.filter(has_text="Samples 1 to").wait_for(timeout=PATIENCE)


@pytest.mark.parametrize(("name", "kind"), [("sei.h5", "sei-campaign"), ("sei_dataset.h5", "sei-dataset")])
def test_lattices(visit: Any, chain: Chain, kadi_page: Any, name: str, kind: str) -> None:
    lattices = visit(chain.address(name), "section.battgen-sei", kind)
    assert lattices.locator(".battgen-legend li").count() == 8
    assert "lithium carbonate (Li₂CO₃)" in lattices.locator(".battgen-legend").inner_text()
    buttons = lattices.locator(".battgen-lattice")
    assert buttons.count() == 12
    assert buttons.locator("img").evaluate_all("(nodes) => nodes.every((node) => node.naturalWidth === 16 && node.alt)")
    detail = lattices.locator(".battgen-detail")
    texts = ["Volume fraction (flux)", "monolayers", "Closed porosity", "Reaction barriers", "eV"]
    assert all(text in detail.inner_text() for text in texts)
    buttons.nth(3).focus()
    kadi_page.keyboard.press("Enter")
    detail.locator("h6").filter(has_text=re.compile("3$")).wait_for(timeout=PATIENCE)
    assert buttons.nth(3).get_attribute("aria-pressed") == "true"
    assert detail.locator("img").get_attribute("src") == buttons.nth(3).locator("img").get_attribute("src")


@pytest.mark.parametrize("name", ["card.json", "weights.safetensors"])
def test_model_cards(visit: Any, chain: Chain, name: str) -> None:
    card = visit(chain.address(f"composition/{name}"), "section.battgen-model", name.partition(".")[0])
    shown = card.inner_text()
    assert card.locator("h5").inner_text() == "Composition from AFM stacks"
    assert "Mean absolute error" in shown
    assert "0.125 V" in shown
    assert (
        card.get_by_role("link", name="Data set of the tests")
        .get_attribute("href")
        .endswith(f"/records/{chain.numbers['build-dataset']}")
    )
    curves = card.locator("svg[role=img]")
    assert [curves.nth(place).get_attribute("aria-label") for place in range(curves.count())] == [
        "Loss, training: from 1 to 0.333 over 3 epochs; Loss, validation: from 0.75 to 0.25 over 3 epochs",
        "Error, validation: from 0.5 to 0.5 over 3 epochs",
    ]
    assert "Latent channels" in shown
    for title in ("Training data", "Further", "Weights"):
        card.locator("summary", has_text=title).first.click()
    shown = card.inner_text()
    assert all(text in shown for text in ("ab" * 32, "A field of later versions", "F32"))


def test_candidates(visit: Any, chain: Chain, kadi_page: Any, artifacts: Path) -> None:
    table = visit(chain.address("candidates.csv"), "section.battgen-candidates", "candidates")
    rows = table.locator("tbody").first.locator("tr")
    formulas = table.locator(".battgen-choose")
    assert formulas.all_inner_texts() == ["LiFePO₄", "Li₂O₂", "MgO"]
    heads = table.locator("thead").first.locator("th")
    # The target stands beside what was obtained, and the nearest known electrode at the end.
    assert [head.replace("\n", " ").strip() for head in heads.all_inner_texts()] == [
        "Rank",
        "Formula",
        "Working ion",
        "Charge balanced",
        "Miss of the target / fraction",
        "Average voltage: target / V",
        "Average voltage: predicted / V",
        "Gravimetric capacity: target / mAh/g",
        "Theoretical gravimetric capacity / mAh/g",
        "Nearest known electrode",
        "Distance to it / fraction",
    ]
    head = heads.filter(has_text="Theoretical")
    head.locator("button").focus()
    kadi_page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert formulas.all_inner_texts() == ["MgO", "LiFePO₄", "Li₂O₂"]
    kadi_page.keyboard.press("Enter")
    assert formulas.all_inner_texts() == ["Li₂O₂", "LiFePO₄", "MgO"]
    formulas.first.click()
    comparison = table.locator(".battgen-comparison")
    assert "LiCoO₂ (mp-2), distance 0.4667 (fraction of the atoms)" in comparison.inner_text()
    cells = [row.split("\t") for row in comparison.locator("tbody tr").all_inner_texts()]
    assert cells == [
        ["Average voltage / V", "3 to 4", "3.2", "2.9 (2.5 to 3.3)", "–", "3.9", "✗ outside the target"],
        ["Gravimetric capacity / mAh/g", "≥ 150", "–", "–", "1168", "–", "✓ inside the target"],
    ]
    table.locator(".battgen-filter").fill("mn2")
    assert rows.count() == 1
    table.locator(".battgen-filter").fill("")
    table.locator(".battgen-all").check()
    # Markup of a cell is text, and what nobody knows comes last.
    assert heads.last.inner_text().strip() == "Composition vector"
    assert "<b>white</b>" in table.inner_text()
    kadi_page.screenshot(path=artifacts / "kadi-candidates-all.png", full_page=True)


def test_a_broken_file_says_so(visit: Any, chain: Chain) -> None:
    message = visit(chain.address("broken.h5"), ".battgen-message[role=alert]", "broken")
    assert message.inner_text().strip().startswith("SEI campaign: The file is broken or truncated")


def test_the_chain_of_provenance(visit: Any, chain: Chain, kadi_page: Any) -> None:
    panel = visit(f"records/{chain.numbers['screen']}", "#battgen-provenance", "provenance")
    links = panel.locator("a")
    titles = ["Model of the tests", "Data set of the tests", "AFM campaign of the tests"]
    assert links.all_inner_texts() == titles
    assert "model:" in panel.inner_text()
    links.last.click()
    kadi_page.wait_for_url(f"**/records/{chain.numbers['simulate-afm']}", timeout=PATIENCE)
    used_by = kadi_page.locator("#battgen-provenance")
    used_by.wait_for(timeout=PATIENCE)
    assert "This record used no other record." in used_by.inner_text()
    assert used_by.locator("a").all_inner_texts() == ["Data set of the tests"]


def test_titles_are_not_run(visit: Any, chain: Chain) -> None:
    panel = visit(f"records/{chain.numbers['train-composition']}", "#battgen-provenance", "provenance-title")
    assert MALICIOUS in panel.inner_text()
    assert panel.locator("img").count() == 0


def test_who_may_not_read_a_record_sees_nothing(chain: Chain, stranger: Any, stranger_page: Any) -> None:
    # As the page itself asks.
    ask = "async (path) => axios.get(path).catch((error) => error.response).then((r) => [r.status, JSON.stringify(r.data)])"
    for name in ("afm.h5", "composition/card.json", "candidates.csv"):
        address = f"{stranger.host}/{chain.address(name)}"
        assert stranger_page.goto(address).status == 403
        assert stranger_page.locator("[class^=battgen]").count() == 0
        for path in (f"api/{chain.address(name)}/preview", f"battgen/{chain.address(name)}/samples"):
            status, text = stranger_page.evaluate(ask, f"{stranger.host}/{path}")
            assert status == 403
            assert "voltage" not in text
    # Nor under another record.
    _, file = chain.files["afm.h5"]
    assert stranger_page.evaluate(ask, f"{stranger.host}/battgen/records/999999/files/{file}/samples")[0] == 404


def test_the_chain_ends_where_the_viewer_may_not_read(
    chain: Chain, kadi_sandbox: Any, stranger: Any, stranger_page: Any, artifacts: Path
) -> None:
    connection = kadi_sandbox.connection
    client = KadiClient(Instance("sandbox", connection.host, connection.token, timeout=60))
    other = KadiClient(Instance("other", stranger.host, stranger.token, timeout=60))
    user = other.ask("get", "/users/me", "asking who this is")["id"]
    for step in ("screen", "build-dataset"):
        client.request("post", f"/records/{chain.numbers[step]}/roles/users", "sharing", json={
            "role": {"name": "member"}, "user": {"id": user},
        })  # fmt: skip
    client.close()
    other.close()
    stranger_page.goto(f"{stranger.host}/records/{chain.numbers['screen']}")
    panel = stranger_page.locator("#battgen-provenance")
    panel.wait_for(timeout=PATIENCE)
    assert panel.locator("a").count() == 0
    assert "1 source is not on this instance, or not for you to see." in panel.inner_text()
    # Nothing of the hidden record shows, nor of what lies behind it.
    assert "of the tests" not in panel.inner_text()
    stranger_page.screenshot(path=artifacts / "kadi-provenance-hidden.png", full_page=True)
    stranger_page.goto(f"{stranger.host}/records/{chain.numbers['build-dataset']}")
    panel.wait_for(timeout=PATIENCE)
    assert panel.locator("a").count() == 0


def test_pages_and_files_of_others_are_left_alone(visit: Any, chain: Chain, kadi_sandbox: Any, tmp_path: Path) -> None:
    connection = kadi_sandbox.connection
    client = KadiClient(Instance("sandbox", connection.host, connection.token, timeout=60))
    number = client.create("records", "nobody-of-ours", {"title": "A record of others"})["id"]
    content = json.dumps({"schema": "of others", "value": 1}).encode()
    begun = client.ask(
        "post", f"/records/{number}/uploads", "sending", json={"name": "other.json", "size": len(content)}
    )
    client.request("put", f"/records/{number}/uploads/{begun['id']}", "sending", data=content)
    (entry,) = client.items(f"/records/{number}/files", "files")
    client.close()
    assert entry["mimetype"] == "application/json"
    page = visit(f"records/{number}/files/{entry['id']}", "#base-content", "of-others")
    page.get_by_text("of others").first.wait_for(timeout=PATIENCE)
    assert page.locator(".battgen").count() == 0
    page = visit(f"records/{number}", "#base-content", "record-of-others")
    assert page.locator("#battgen-provenance").count() == 0


def test_mimetypes_are_ours(chain: Chain, kadi_sandbox: Any) -> None:
    connection = kadi_sandbox.connection
    client = KadiClient(Instance("sandbox", connection.host, connection.token, timeout=60))
    told = {}
    for number in chain.numbers.values():
        told |= {entry["name"]: entry["mimetype"] for entry in client.items(f"/records/{number}/files", "files")}
    client.close()
    kinds = {
        "afm.h5": "afm-campaign",
        "dataset.h5": "training-dataset",
        "images.h5": "candidate-images",
        "sei.h5": "sei-campaign",
        "sei_dataset.h5": "sei-dataset",
        "composition/card.json": "model",
        "composition/weights.safetensors": "weights",
        "candidates.csv": "candidates",
    }
    assert {name: told[name] for name in kinds} == {name: KINDS[kind].mimetype for name, kind in kinds.items()}
    assert told["record.json"] == "application/json"
    assert told["composition/metrics.csv"] == "text/csv"


def test_files_download_without_the_plugin(chain: Chain, kadi_sandbox: Any, kadi_environment: Path) -> None:
    environment = Environment(kadi_environment)
    paths = {f"/api/{chain.address(name)}/download": name for name in chain.paths}
    request = {"plugins": [], "token": kadi_sandbox.connection.token, "paths": list(paths)}
    done = subprocess.run(
        [environment.python, "-P", Path(__file__).with_name("in_kadi.py")],
        env=process_variables(kadi_sandbox.sandbox.folder, environment),
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["has_plugin"] is False
    for path, (status, digest, _) in told["answers"].items():
        assert status == 200
        assert digest == sha256_file(chain.paths[paths[path]])


def test_files_from_before_the_plugin_are_recognized(chain: Chain, kadi_sandbox: Any, kadi_environment: Path) -> None:
    environment = Environment(kadi_environment)
    variables = process_variables(kadi_sandbox.sandbox.folder, environment)
    _, number = chain.files["sei.h5"]
    forget = (
        "import sys; from kadi.app import create_app; from kadi.ext.db import db\n"
        "from kadi.modules.records.models import File\n"
        "with create_app().app_context():\n"
        "    File.query.filter(File.id == sys.argv[1]).update({'magic_mimetype': 'application/x-hdf5'})\n"
        "    db.session.commit()"
    )
    subprocess.run([environment.python, "-P", "-c", forget, number], env=variables, check=True)
    command = [environment.python.with_name("kadi"), "battgen", "recognize-files"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().splitlines()[-1] == "1 file recognized"
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.stdout.strip().splitlines()[-1] == "0 files recognized"


def test_no_mutated_file_makes_a_hook_raise(chain: Chain, kadi_sandbox: Any, kadi_environment: Path) -> None:
    """The hooks themselves, on files in Kadi4Mat's storage; not even their guard has to help."""
    environment = Environment(kadi_environment)
    names = ["afm.h5", "sei_dataset.h5", "composition/card.json", "composition/weights.safetensors", "candidates.csv"]
    request = {
        "record": chain.numbers["screen"],
        "files": {name: str(chain.paths[name]) for name in names},
        "rounds": 4,
    }
    done = subprocess.run(
        [environment.python, "-P", Path(__file__).with_name("fuzz_hooks.py")],
        env=process_variables(kadi_sandbox.sandbox.folder, environment),
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["troubles"] == []
    # Some are refused, some shown, or the files would be the wrong ones.
    assert sum(told["outcomes"].values()) == request["rounds"] * len(names)
    assert told["outcomes"]["battgen-message"] > 0
    assert len(told["outcomes"]) > 1


def test_the_plugin_comes_with_its_files(tmp_path: Path) -> None:
    """Build the wheel's content from the package data of setup.cfg: scripts and templates are in it."""
    root = Path(__file__).resolve().parents[2]
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, tmp_path)
    for name in ("kadi_battgen", "workflow_nodes"):
        (tmp_path / name).symlink_to(root / name)
    command = [sys.executable, "-c", "import setuptools; setuptools.setup()", "build_py", "--build-lib", "built"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    plugin = tmp_path / "built" / "kadi_battgen" / "kadi_plugin"
    source = root / "kadi_battgen" / "kadi_plugin"
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.suffix in (".py", ".js", ".css", ".html")}
    assert {path.relative_to(plugin) for path in plugin.rglob("*") if path.is_file()} == wanted
