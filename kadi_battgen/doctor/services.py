"""What kadi-battgen talks to or is used from: Kadi4Mat, the Materials Project, KadiStudio, a browser."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence

from kadi_battgen.doctor.finding import Finding
from kadi_battgen.errors import UserError

#: Seconds that a server may take.
PATIENCE = 8.0

#: Names that Chromium and its relatives have.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def examine_kadi(name: str | None) -> list[Finding]:
    """Return which Kadi4Mat instance runs are recorded in, and whether it answers and knows the token.

    The token is sent to that instance and shown nowhere.

    Parameters
    ----------
    name
        As for :func:`kadi_battgen.records.kadi.instance.find_instance`.
    """
    from kadi_battgen.records.kadi.client import KadiClient
    from kadi_battgen.records.kadi.instance import find_instance
    from kadi_battgen.records.kadi.session import Patience

    label = "Kadi4Mat instance"
    try:
        instance = find_instance(name)
    except UserError as error:
        return [Finding("services", label, "problem", str(error), "kadi-apy config create, or battgen kadi up")]
    if instance is None:
        value = "none is chosen; records stay on this machine"
        return [Finding("services", label, "absent", value, "kadi-apy config create, or battgen kadi up")]
    where = f"{instance.name} at {instance.address}"
    client = KadiClient(dataclasses.replace(instance, timeout=min(PATIENCE, instance.timeout)), Patience(seconds=0.0))
    try:
        user = client.ask("get", "/users/me", "the token")
        version = client.version
    except UserError as error:
        way = f"check the address and the token: kadi-apy config set-host, kadi-apy config set-pat ({instance.name})"
        return [Finding("services", label, "problem", f"{where}: {error}", way)]
    finally:
        client.close()
    who = user.get("identity", {}).get("displayname") or user.get("displayname") or "a user"
    return [Finding("services", label, "ok", f"{where}, version {version}, as {who}")]


def examine_sandbox() -> list[Finding]:
    """Return whether there is a Kadi4Mat of this machine's own, and whether it is up."""
    from kadi_battgen.sandbox import Sandbox

    label = "Kadi4Mat on this machine"
    try:
        status = Sandbox().status()
    except UserError:
        return [Finding("services", label, "absent", "none", "battgen kadi up")]
    if not status.is_up:
        return [Finding("services", label, "absent", f"down, in {status.folder}", "battgen kadi up")]
    return [Finding("services", label, "ok", f"up at {status.host}, in {status.folder}")]


def examine_materials_project() -> list[Finding]:
    """Return whether there is an API key; the key itself is neither shown nor sent."""
    from kadi_battgen.electrodes.sources.materials_project.credentials import find_api_key

    label = "Materials Project key"
    try:
        key = find_api_key()
    except UserError as error:
        return [Finding("services", label, "problem", str(error), "export MP_API_KEY=...")]
    if key is None:
        value = "none; only fetch-electrodes --source materials-project needs it"
        return [
            Finding("services", label, "absent", value, "export MP_API_KEY=..., with the key of your account there")
        ]
    return [Finding("services", label, "ok", "present")]


def examine_kadistudio(commands: Sequence[str]) -> list[Finding]:
    """Return whether KadiStudio knows our commands.

    Parameters
    ----------
    commands
        All commands, such as ``battgen screen``.
    """
    from kadi_battgen.flows.kadistudio import default_tool_list

    path = default_tool_list()
    program = shutil.which("kadistudio") or shutil.which("KadiStudio")
    installed = f"installed as {program}" if program else "no program of that name on the path"
    try:
        known = {" ".join(line.split()) for line in path.read_text(encoding="utf-8", errors="replace").splitlines()}
    except OSError:
        known = set()
    missing = [command for command in commands if command not in known]
    if not missing:
        return [Finding("services", "KadiStudio", "ok", f"{installed}; all {len(commands)} commands are in {path}")]
    value = f"{installed}; {len(missing)} of {len(commands)} commands are not in {path}"
    return [Finding("services", "KadiStudio", "absent", value, "battgen init-kadistudio")]


def examine_browser() -> list[Finding]:
    """Return whether there is a Chromium, which only the tests of pages need."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        return [Finding("services", "Chromium", "absent", "none; only the tests need it", "apt-get install chromium")]
    return [Finding("services", "Chromium", "ok", program)]
