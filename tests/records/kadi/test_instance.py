"""Which instance is used, and that its token is not shown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.records.kadi.instance import Instance, find_instance, require_instance

TOKEN = "pat_0123456789abcdef"

CONFIGURATION = f"""
[global]
default = institute
verify = False
timeout = 30

[institute]
host = https://kadi.example.org
pat = {TOKEN}

[gateway]
host = https://gateway.example.org/ignored
pat = {TOKEN}
base_path = /kadi/
verify = True
ca_bundle = /etc/ca.pem
timeout = 5
whitelist = https://a.example.org, https://b.example.org

[half]
host = https://half.example.org
pat =
"""


def configure(text: str = CONFIGURATION) -> None:
    (Path.home() / ".kadiconfig").write_text(text)


def test_without_anything_records_are_local() -> None:
    assert find_instance() is None
    with pytest.raises(UserError, match="No Kadi4Mat instance is chosen"):
        require_instance()


def test_the_default_of_the_configuration() -> None:
    configure()
    assert find_instance() == Instance("institute", "https://kadi.example.org", TOKEN, verify=False, timeout=30.0)


def test_an_instance_by_name() -> None:
    configure()
    instance = require_instance("gateway")
    assert instance == Instance(
        "gateway",
        "https://gateway.example.org/ignored",
        TOKEN,
        verify=True,
        ca_bundle="/etc/ca.pem",
        timeout=5.0,
        base_path="/kadi/",
        whitelist=("https://a.example.org", "https://b.example.org"),
    )
    assert instance.address == "https://gateway.example.org/kadi"
    assert instance.folder_name == "gateway.example.org_kadi"


def test_the_environment_goes_before_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    configure()
    monkeypatch.setenv("KADI_HOST", "http://localhost:5000")
    monkeypatch.setenv("KADI_PAT", TOKEN)
    assert require_instance().host == "http://localhost:5000"
    monkeypatch.setenv("BATTGEN_INSTANCE", "gateway")
    assert require_instance().name == "gateway"
    assert require_instance("institute").name == "institute"
    monkeypatch.setenv("BATTGEN_INSTANCE", "local")
    assert find_instance() is None
    assert find_instance("local") is None


def test_the_sandbox_is_found_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="battgen kadi up"):
        find_instance("sandbox")
    text = f"[global]\ndefault = sandbox\n[sandbox]\nhost = http://localhost:5000\npat = {TOKEN}\n"
    folder = Path.home() / ".local" / "share" / "kadi-battgen" / "sandbox"
    folder.mkdir(parents=True)
    (folder / "kadiconfig").write_text(text)
    assert require_instance("sandbox").host == "http://localhost:5000"
    (tmp_path / "kadiconfig").write_text(text.replace("5000", "5001"))
    monkeypatch.setenv("BATTGEN_SANDBOX", str(tmp_path))
    assert require_instance("sandbox").host == "http://localhost:5001"


def test_a_configuration_as_kadi_apy_creates_it_means_local() -> None:
    configure("[global]\nverify = True\ntimeout = 60\ndefault = my_instance\n\n[my_instance]\nhost =\npat =\n")
    assert find_instance() is None
    with pytest.raises(UserError, match="has no host for the instance my_instance"):
        find_instance("my_instance")


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (CONFIGURATION, "absent", "it has institute, gateway, half"),
        (CONFIGURATION, "global", "no Kadi4Mat instance 'global'"),
        (CONFIGURATION, "half", "has no pat for the instance half: set it with 'kadi-apy config set-pat'"),
        (
            CONFIGURATION.replace("default = institute", "default = absent"),
            None,
            "has no instance 'absent', its default",
        ),
        (CONFIGURATION.replace("verify = False", "verify = perhaps"), None, "must be True or False"),
        (CONFIGURATION.replace("timeout = 30", "timeout = soon"), None, "a number of seconds"),
        (f"[institute]\nhost https://x\n{TOKEN}\n", "institute", "is not a configuration of kadi-apy"),
        (f"pat = {TOKEN}", "institute", "is not a configuration of kadi-apy"),
        (CONFIGURATION.replace("https://kadi", "kadi"), None, "is no address such as"),
        (CONFIGURATION.replace("https://kadi", "https://me:secret@kadi"), None, "is no address such as"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_said_without_the_token(text: str, name: str | None, words: str) -> None:
    configure(text)
    with pytest.raises(UserError, match=words) as caught:
        find_instance(name)
    assert TOKEN not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_half_an_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KADI_HOST", "https://kadi.example.org")
    with pytest.raises(UserError, match=r"\$KADI_PAT has no token"):
        find_instance()


def test_the_token_is_not_printed() -> None:
    assert TOKEN not in repr(Instance("a", "https://kadi.example.org", TOKEN))


def test_choosing_an_instance_loads_nothing_heavy() -> None:
    configure()
    program = (
        "import sys\n"
        "from kadi_battgen.records import open_store\n"
        "print(type(open_store('records')).__name__)\n"
        "print([name for name in ('kadi_apy', 'niquests', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["KadiStore", "[]"]
