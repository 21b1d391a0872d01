"""The solid electrolyte interphase: chemistry, kinetic Monte Carlo engine, observables and campaigns."""
