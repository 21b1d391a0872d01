"""Insertion electrodes of the Materials Project, by its own client mp-api.

Jain et al., APL Mater. 1, 011002 (2013). The names below are loaded when first used: mp-api takes seconds to import, and
a fetch that finds everything in its cache never needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kadi_battgen.lazy import lazy_names

if TYPE_CHECKING:
    from kadi_battgen.electrodes.sources.materials_project.fetch import electrodes_from_materials_project
    from kadi_battgen.electrodes.sources.materials_project.settings import FetchSettings

__all__ = ["FetchSettings", "electrodes_from_materials_project"]

__getattr__ = lazy_names(__name__, {"FetchSettings": "settings", "electrodes_from_materials_project": "fetch"})
