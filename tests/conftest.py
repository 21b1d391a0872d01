"""Fixtures that every test may use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

# Read by OpenMP when torch loads: threads that spin while they wait stall the tests on a shared machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("BATTGEN_PROGRESS", "0")
# A test records in a Kadi4Mat only where it says so, and never in the one of whoever runs the tests.
os.environ["BATTGEN_INSTANCE"] = "local"

# No deadline on machines that others use too, and the same examples on all of them.
settings.register_profile("battgen", deadline=None, derandomize=True, database=None)
settings.load_profile("battgen")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from kadi_battgen.electrodes.collection import ElectrodeCollection
    from kadi_battgen.sandbox import Connection, Sandbox

#: Orientations per electrode in the tiny campaign.
TINY_ORIENTATIONS = 2


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of reference data beside the checkout; tests that compare with it skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the reference data folder ../shared is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def one_thread() -> None:
    """Let torch compute on one thread: faster for tiny networks, and the same on every machine."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def bundled() -> ElectrodeCollection:
    """Return the electrodes that ship with the package."""
    from kadi_battgen.electrodes.sources.bundled import bundled_electrodes

    return bundled_electrodes()


@pytest.fixture(scope="session")
def tiny_electrodes(bundled: ElectrodeCollection) -> ElectrodeCollection:
    """Four small electrodes of each of three working ions: enough that every part of a split holds some."""
    from kadi_battgen.electrodes.collection import ElectrodeCollection

    small = [electrode for electrode in bundled.electrodes if len(electrode.structure.species) <= 16]
    return ElectrodeCollection(tuple(small), bundled.metadata).select(("Li", "Na", "Mg"), limit=12)


@pytest.fixture(scope="session")
def tiny_campaign(tiny_electrodes: ElectrodeCollection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a real AFM campaign of 24 stacks of 32 x 32 pixels."""
    from kadi_battgen.afm.campaign import run_campaign
    from kadi_battgen.afm.settings import ScanSettings

    path = tmp_path_factory.mktemp("tiny") / "afm.h5"
    run_campaign(
        tiny_electrodes.electrodes,
        path,
        ScanSettings(pixels=32),
        orientations=TINY_ORIENTATIONS,
        pool=20,
        progress=False,
    )
    return path


@pytest.fixture(scope="session")
def tiny_dataset(tiny_campaign: Path) -> Path:
    """Path of the training data set of the tiny campaign."""
    from kadi_battgen.datasets import build_dataset

    path = tiny_campaign.with_name("dataset.h5")
    build_dataset(tiny_campaign, path, progress=False)
    return path


@pytest.fixture(scope="session")
def tiny_sei_campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a real SEI campaign of 120 runs on lattices of 16 x 12 sites."""
    from kadi_battgen.parallel import ClusterSettings
    from kadi_battgen.sei.campaign import run_campaign
    from kadi_battgen.sei.chemistry import SeiModel
    from kadi_battgen.sei.design import named_design

    path = tmp_path_factory.mktemp("tiny-sei") / "sei.h5"
    model = SeiModel(width=12, height=16, max_events=3000)
    barriers = named_design("published").sample(120, 1)
    run_campaign(barriers, path, model, seed=3, cluster=ClusterSettings(1), progress=False)
    return path


@pytest.fixture(scope="session")
def tiny_sei_dataset(tiny_sei_campaign: Path) -> Path:
    """Path of the training data set of the tiny SEI campaign."""
    from kadi_battgen.datasets.sei import build_sei_dataset

    path = tiny_sei_campaign.with_name("sei_dataset.h5")
    build_sei_dataset([tiny_sei_campaign], path, progress=False)
    return path


#: The smallest settings of an SEI autoencoder; see :class:`kadi_battgen.training.sei.settings.PrvaeSettings`.
TINY_PRVAE = {
    "channels": (8, 16),
    "strides": (2, 2),
    "dense": 32,
    "latent_size": 6,
    "profiles": (32,),
    "regressor": (16,),
    "members": 2,
    "prior": (16,),
}


@pytest.fixture(scope="session")
def train_tiny_prvae(tiny_sei_dataset: Path, one_thread: None) -> Callable[..., dict[str, Any]]:
    """Return a function that trains a tiny SEI autoencoder in a folder, with changes to the loop and to other fields."""
    from kadi_battgen.training.sei.prvae import train_prvae
    from kadi_battgen.training.sei.settings import load_prvae_settings

    def train(
        folder: Path,
        *,
        seed: int = 0,
        dataset: Path = tiny_sei_dataset,
        loop: dict[str, Any] | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        changes = {"epochs": 3, "batch_size": 16, "precision": "32-true", "averaging": 0.9} | (loop or {})
        settings = load_prvae_settings("demo", None, changes, **(TINY_PRVAE | fields))
        return train_prvae(dataset, folder, settings, seed=seed, progress=False)

    return train


@pytest.fixture(scope="session")
def tiny_prvae(train_tiny_prvae: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny conditional SEI autoencoder; do not change it."""
    folder = tmp_path_factory.mktemp("tiny-prvae") / "prvae"
    train_tiny_prvae(folder, variant="conditional-prvae", loop={"epochs": 20})
    return folder


@dataclass(frozen=True)
class RunningKadi:
    """A Kadi4Mat that is up, and how its first user reaches it."""

    sandbox: Sandbox
    connection: Connection


@pytest.fixture(scope="session")
def kadi_environment() -> Path:
    """Folder of Kadi4Mat's virtual environment, which is made once and kept from one test run to the next."""
    from kadi_battgen.sandbox.environment import Environment, requirements_digest

    if os.environ.get("BATTGEN_TEST_KADI") == "0":
        pytest.skip("BATTGEN_TEST_KADI=0 leaves out the tests that need a Kadi4Mat server")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "kadi-battgen" / f"test-environment-{requirements_digest()[:16]}"
    Environment(folder).ensure()
    return folder


@pytest.fixture(scope="session")
def kadi_sandbox(kadi_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKadi]:
    """Bring up a real Kadi4Mat on loopback for all tests of a session."""
    from kadi_battgen.sandbox import Sandbox

    sandbox = Sandbox(tmp_path_factory.mktemp("kadi") / "sandbox", kadi_environment)
    connection = sandbox.up()
    yield RunningKadi(sandbox, connection)
    sandbox.down(delete=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start a real Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright comes with the extra 'dev'")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    switches = "no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update"
    with playwright.sync_playwright() as engine:
        running = engine.chromium.launch(
            executable_path=program, args=[f"--{switch}" for switch in (*switches.split(), "disable-sync")]
        )
        yield running
        running.close()


@pytest.fixture
def log_in(browser: Browser) -> Iterator[Callable[[Connection], Page]]:
    """Return a function that opens a page of Kadi4Mat with a user logged in."""
    with ExitStack() as stack:

        def open_page(connection: Connection) -> Page:
            page = stack.enter_context(browser.new_context(viewport={"width": 1400, "height": 1000})).new_page()
            page.goto(f"{connection.host}/login")
            page.fill("input[name=username]", connection.username)
            page.fill("input[name=password]", connection.password)
            page.click("input[type=submit]")
            page.wait_for_url(f"{connection.host}/")
            return page

        yield open_page


@pytest.fixture
def kadi_page(log_in: Callable[[Connection], Page], kadi_sandbox: RunningKadi) -> Page:
    """Open a page of Kadi4Mat with its first user logged in."""
    return log_in(kadi_sandbox.connection)
