"""What people see of previews in a real Kadi4Mat, through a real browser."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from kadi_apy import KadiManager
from PIL import Image

from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.xyz import electrode_xyz
from kadi_battgen.plots import ReportFigure, learning_curves
from kadi_battgen.records import Run
from kadi_battgen.records.dashboard import training_dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.conftest import RunningKadi


@pytest.fixture(scope="module")
def manager(kadi_sandbox: RunningKadi) -> KadiManager:
    return KadiManager(host=kadi_sandbox.connection.host, pat=kadi_sandbox.connection.token)


def upload(manager: KadiManager, identifier: str, path: Path) -> dict[str, Any]:
    """Put a file into a new record and return what Kadi4Mat says of it."""
    record = manager.record(create=True, identifier=identifier, title=identifier)
    record.upload_file(str(path))
    (file,) = record.get_filelist().json()["items"]
    return {**file, "record": record.id}


@pytest.mark.slow
def test_a_structure_is_drawn_in_three_dimensions(
    manager: KadiManager, kadi_page: Page, bundled: ElectrodeCollection, tmp_path: Path
) -> None:
    path = tmp_path / "structure.xyz"
    path.write_text(electrode_xyz(bundled.electrodes[0]))
    file = upload(manager, "preview-of-a-structure", path)
    # By its name, as the server's tables of MIME types tell it.
    assert file["mimetype"] == "chemical/x-xyz"
    kadi_page.goto(file["_links"]["view"])
    canvas = kadi_page.locator(".render-container canvas")
    canvas.wait_for(timeout=30_000)
    kadi_page.wait_for_timeout(1000)
    picture = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("L"))
    dark = picture < 128
    # A handful of points would be far less, and a drawing beside the camera would fill one side only.
    assert dark.mean() > 0.005
    rows, columns = np.nonzero(dark)
    for places, size in ((rows, picture.shape[0]), (columns, picture.shape[1])):
        assert places.min() < 0.4 * size
        assert places.max() > 0.6 * size


@pytest.mark.slow
def test_a_training_has_a_dashboard(manager: KadiManager, kadi_page: Page, tmp_path: Path) -> None:
    history = {"epoch": [1.0, 2.0, 3.0], "loss": [3.0, 2.0, 1.0], "validation_loss": [3.0, 2.5, 2.4]}
    picture = ReportFigure(learning_curves({"screening": history}), "Learning curves").png()
    with Run(None, step="train-screening", record_type="model-training", configuration={"preset": "de_mo|*x*"}) as run:
        run.add_metric("validation_loss", 2.4, part="validation")
    path = tmp_path / "dashboard.json"
    path.write_text(json.dumps(training_dashboard(run.record, picture)))
    file = upload(manager, "preview-of-a-training", path)
    assert file["mimetype"] == "application/x-dashboard+json"

    kadi_page.goto(f"{kadi_page.url}records/{file['record']}?tab=dashboard", wait_until="networkidle")
    curves = kadi_page.get_by_alt_text("Learning curves")
    curves.wait_for(timeout=30_000)
    shown = curves.evaluate("image => [image.naturalWidth, image.clientWidth]")
    assert shown[0] > 500
    assert shown[1] > 500
    assert kadi_page.locator("tr", has_text="validation loss").get_by_text("2.4").count() == 1
    assert kadi_page.locator("tr", has_text="preset").get_by_text("de_mo|*x*", exact=True).count() == 1
