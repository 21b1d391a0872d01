"""A real Kadi4Mat on this machine, to try things out with and to test against.

It consists of wheels alone, in a virtual environment of its own, needs neither root nor any package of the system, and
keeps everything in one folder.
"""

from kadi_battgen.sandbox.connection import INSTANCE, Connection
from kadi_battgen.sandbox.folder import FIRST_USER, FOLDER_VARIABLE, default_folder
from kadi_battgen.sandbox.server import Sandbox, SandboxStatus

__all__ = ["FIRST_USER", "FOLDER_VARIABLE", "INSTANCE", "Connection", "Sandbox", "SandboxStatus", "default_folder"]
