"""The command ``battgen`` with its sub-commands."""

from __future__ import annotations

import os

# Threads that spin while they wait stall a training on a shared machine; torch reads this when it loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import xmlhelpy

from battgen_nodes.afm.simulate_afm import simulate_afm
from battgen_nodes.battgen.evaluate import evaluate
from battgen_nodes.battgen.predict_composition import predict_composition
from battgen_nodes.battgen.screen import screen
from battgen_nodes.battgen.sensitivity import sensitivity
from battgen_nodes.battgen.train_composition import train_composition
from battgen_nodes.battgen.train_screening import train_screening
from battgen_nodes.battgen.train_translation import train_translation
from battgen_nodes.battgen.translate import translate
from battgen_nodes.data.augment_electrodes import augment_electrodes
from battgen_nodes.data.clean import clean
from battgen_nodes.data.fetch_electrodes import fetch_electrodes
from battgen_nodes.dataset.build_dataset import build_dataset
from battgen_nodes.demo import demo
from battgen_nodes.doctor import doctor
from battgen_nodes.flows.check_flow import check_flow
from battgen_nodes.flows.init_kadistudio import init_kadistudio
from battgen_nodes.flows.run_flow import run_flow
from battgen_nodes.kadi.group import kadi
from battgen_nodes.records.provenance import provenance
from battgen_nodes.records.push import push
from battgen_nodes.records.report import report
from battgen_nodes.records.reproduce import reproduce
from battgen_nodes.sei.build_sei_dataset import build_sei_dataset
from battgen_nodes.sei.characterize_sei import characterize_sei
from battgen_nodes.sei.generate_sei import generate_sei
from battgen_nodes.sei.sei_observables import sei_observables
from battgen_nodes.sei.simulate_sei import simulate_sei
from battgen_nodes.sei.train_prvae import train_prvae
from kadi_battgen import __version__


@xmlhelpy.group(name="battgen", version=__version__)
def battgen() -> None:
    """Generative-discriminative deep learning for battery materials with FAIR provenance."""


for _command in (
    fetch_electrodes,
    augment_electrodes,
    clean,
    simulate_afm,
    build_dataset,
    train_translation,
    train_composition,
    train_screening,
    translate,
    predict_composition,
    screen,
    evaluate,
    sensitivity,
    simulate_sei,
    sei_observables,
    build_sei_dataset,
    train_prvae,
    characterize_sei,
    generate_sei,
    report,
    provenance,
    reproduce,
    push,
    run_flow,
    check_flow,
    init_kadistudio,
    demo,
    doctor,
    kadi,
):
    battgen.add_command(_command)
