"""The solid electrolyte interphase: chemistry, kinetic Monte Carlo engine, observables and campaigns.

>>> from kadi_battgen.sei import SeiModel, simulate
>>> run = simulate(SeiModel(temperature=310.0), seed=1, max_events=100_000)
>>> run.configuration.shape
(50, 50)
"""

from kadi_battgen.lazy import lazy_names

__all__ = ["SeiModel", "SeiRun", "read_model", "simulate"]

__getattr__ = lazy_names(
    __name__,
    {"SeiModel": "chemistry", "SeiRun": "simulation", "read_model": "chemistry", "simulate": "simulation"},
)
