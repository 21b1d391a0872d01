"""What this machine has of what kadi-battgen needs, and what to do about the rest."""

from kadi_battgen.doctor.examination import examine
from kadi_battgen.doctor.finding import Finding, State

__all__ = ["Finding", "State", "examine"]
