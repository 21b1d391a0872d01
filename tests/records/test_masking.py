from __future__ import annotations

from pathlib import Path

import pytest

from kadi_battgen.records import LocalStore, Run
from kadi_battgen.records.masking import Cleaner, names_secret

TOKEN = "pat_0123456789abcdef"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("--token", True),
        ("--kadi-token", True),
        ("--pat", True),
        ("--password", True),
        ("--api-key", True),
        ("MP_API_KEY", True),
        ("apiKey", True),
        ("clientSecret", True),
        ("PGPASSWORD", True),
        ("--path", False),
        ("--pattern", False),
        ("--author", False),
        ("--working-ion", False),
        ("TOKENIZERS_PARALLELISM", False),
        ("--key-points", False),
    ],
)
def test_names_that_look_like_secrets(name: str, secret: bool) -> None:
    assert names_secret(name) is secret


@pytest.mark.parametrize(
    ("arguments", "cleaned"),
    [
        (["/opt/bin/battgen", "screen"], ("battgen", "screen")),
        (["battgen", "--token", TOKEN, "screen"], ("battgen", "--token", "***", "screen")),
        (["battgen", f"--token={TOKEN}"], ("battgen", "--token=***")),
        (["battgen", "--password", "-x9-", "--seed", "1"], ("battgen", "--password", "***", "--seed", "1")),
        (["battgen", "https://me:hunter2@host/x"], ("battgen", "https://***@host/x")),
        (["battgen", "--pat", TOKEN, f"--header=key {TOKEN}"], ("battgen", "--pat", "***", "--header=key ***")),
    ],
)
def test_command_lines(arguments: list[str], cleaned: tuple[str, ...]) -> None:
    assert Cleaner(arguments, environment={}).command_line(arguments) == cleaned


def test_secrets_of_the_environment_are_masked_in_any_text() -> None:
    cleaner = Cleaner(environment={"MP_API_KEY": TOKEN, "SSH_AUTH_SOCK": str(Path(__file__).parent)})
    assert cleaner.text(f"401 for {TOKEN} at the server") == "401 for *** at the server"
    assert cleaner.text(str(Path(__file__).parent / "x")).endswith("records/x")


def test_the_home_folder_is_not_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    cleaner = Cleaner(environment={})
    assert cleaner.text("cannot read /home/ada/data.h5, nor /home/adam/x") == "cannot read ~/data.h5, nor /home/adam/x"
    assert cleaner.values({"a": ["/home/ada"], "token": TOKEN, "tokens": 512}) == {
        "a": ["~"],
        "token": "***",
        "tokens": 512,
    }


def test_no_secret_reaches_the_record_of_a_failed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KADI_PAT", "another-secret-value")
    store = LocalStore(tmp_path)
    run = Run(
        store,
        step="push",
        configuration={"token": TOKEN, "url": f"https://host/?t={TOKEN}"},
        command=["battgen", "push", "--token", TOKEN],
    )
    with pytest.raises(RuntimeError), run:
        raise RuntimeError(f"refused: {TOKEN} and another-secret-value")
    text = (store.record_folder(run.identifier) / "record.json").read_text()
    assert TOKEN not in text
    assert "another-secret-value" not in text
    assert "refused: *** and ***" in text
