"""Build the electrode set that ships with the package (``python -m kadi_battgen.electrodes.building --help``).

Needs the optional extra ``potentials`` (ase, chgnet, sevenn). Nothing here is imported by the rest of the library.
"""
