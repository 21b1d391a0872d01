"""The electrodes that ship: they load without a network, and each holds what it says."""

from __future__ import annotations

import subprocess
import sys

from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.electrodes.sources import load_source

WITHOUT_NETWORK = """
import socket

def refuse(*arguments, **options):
    raise AssertionError("the bundled electrodes asked for the network")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from kadi_battgen.electrodes.sources.bundled import bundled_electrodes
print(len(bundled_electrodes()))
"""


def test_they_load_without_a_network(bundled):
    answer = subprocess.run([sys.executable, "-c", WITHOUT_NETWORK], capture_output=True, text=True, check=True)
    assert int(answer.stdout) == len(bundled)


def test_ids_are_unique_and_every_ion_is_there(bundled):
    assert len({electrode.id for electrode in bundled.electrodes}) == len(bundled)
    assert all(bundled.counts()[ion] > 0 for ion in WORKING_IONS)


def test_the_source_is_found_by_name(bundled):
    collection, refused = load_source("bundled")
    assert collection.electrodes == bundled.electrodes
    assert refused == []
