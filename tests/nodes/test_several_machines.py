"""A training on two machines, each of them a torchrun of its own on this one."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SETTINGS = {
    "loop": {"num_nodes": 2, "epochs": 2, "batch_size": 4, "precision": "32-true"},
    "channels": [8, 8],
    "attention_levels": [False, False],
    "discriminator_channels": 4,
    "baselines": [],
}


@pytest.mark.slow
def test_torchrun_trains_on_two_machines_and_keeps_one_record(tiny_dataset, tmp_path):
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(SETTINGS))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    scripts = Path(sys.executable).parent
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    torchrun += ["--master-addr", "127.0.0.1", "--master-port", str(port)]
    training = ["train-translation", "--dataset", str(tiny_dataset), "--config", "settings.yaml", "--seed", "3"]
    training += ["--output", "model", "--records", "records", "--instance", "local"]
    machines = [
        subprocess.Popen(
            [*torchrun, "--node-rank", str(rank), "--no-python", str(scripts / "battgen"), *training],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [machine.communicate(timeout=300) for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    assert len((tmp_path / "model" / "translation" / "metrics.csv").read_text().splitlines()) == 3
    assert len(list((tmp_path / "records").iterdir())) == 1
    # The second machine has nothing to say that the first has not said.
    assert [out for out, _ in said] == ["model/translation\n", ""]
