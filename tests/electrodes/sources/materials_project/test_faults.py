"""What goes wrong between here and the server, and where the key must not show."""

from __future__ import annotations

import gzip
import traceback
from pathlib import Path
from typing import Any

import pytest
import requests

from kadi_battgen.electrodes.sources.materials_project import FetchSettings
from kadi_battgen.electrodes.sources.materials_project.patience import Patience, retry_after
from kadi_battgen.electrodes.sources.materials_project.session import BoundedSession
from kadi_battgen.errors import UserError

from .conftest import KEY

GOES_ON = "what was fetched is kept in .*, and the same command goes on from there"


def _texts(error: BaseException) -> str:
    """Return all that an exception tells, with what it came from and what hangs on it."""
    told = "".join(traceback.format_exception(error))
    seen: Any = error
    while seen is not None:
        told += repr(seen) + repr(getattr(seen, "__dict__", {}))
        request = getattr(seen, "request", None)
        told += repr(getattr(request, "headers", ""))
        seen = seen.__cause__ or seen.__context__
    return told


@pytest.mark.parametrize("path", ["heartbeat", "insertion_electrodes", "summary"])
@pytest.mark.parametrize(
    ("fault", "sentence", "requests_sent"),
    [
        ({"status": 401}, r"refuses the API key that is set \(401 Unauthorized\): get a key at .* MP_API_KEY", 1),
        ({"status": 403}, r"refuses the API key that is set \(403 Forbidden\): get a key at .* MP_API_KEY", 1),
        ({"status": 404}, r"answered 404 Not Found to a request of mp-api", 1),
        ({"status": 429, "headers": {"Retry-After": "3600"}}, f"429 .* asked for a wait of 3600 s, asked once: {GOES_ON}", 1),
        ({"status": 429, "headers": {"Retry-After": "0"}}, f"429 Too Many Requests .* 3 times: {GOES_ON}", 3),
        ({"status": 500}, f"answered 500 Internal Server Error, asked 3 times: {GOES_ON}", 3),
        ({"status": 503}, f"answered 503 Service Unavailable, asked 3 times: {GOES_ON}", 3),
        ({"resets": True}, f"cannot be reached .*, asked 3 times: {GOES_ON}", 3),
        ({"cut_after": 60}, f"in the middle of an answer, asked 3 times: {GOES_ON}", 3),
        ({"delay": 1.5, "status": 200}, f"gave no answer within 0.5 s, asked 3 times: {GOES_ON}", 3),
        ({"status": 200, "body": b"<html>log in here</html>"}, "no server of the Materials Project|cannot read", 1),
    ],
)  # fmt: skip
def test_lasting_fault_is_one_sentence(
    proxy, fetch, capfd: pytest.CaptureFixture[str], path, fault, sentence, requests_sent
):
    with proxy.failing(path=path, **fault), pytest.raises(UserError, match=sentence) as caught:
        fetch(timeout=0.5 if "delay" in fault else 20.0)
    assert str(caught.value).count("\n") == 0
    assert KEY not in _texts(caught.value)
    assert capfd.readouterr() == ("", "")
    # What is asked for in several requests at once may fail in several.
    assert proxy.count("GET", path) >= requests_sent
    assert proxy.count("GET", path) <= 4 * requests_sent
    if path == "summary":
        # Nothing stands in the way of the next fetch, which goes on.
        proxy.requests.clear()
        assert len(fetch()[0]) > 0
        assert proxy.count("GET", "insertion_electrodes") == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "1"}},
        {"status": 500},
        {"status": 502},
        {"status": 503, "headers": {"Retry-After": "0"}},
        {"status": 504},
        {"resets": True},
        {"cut_after": 60},
        {"cut_after": 400},
    ],
)
def test_passing_fault_is_sat_out(proxy, fetch, fault):
    with proxy.failing(path="working_ion=Zn", times=1, **fault), proxy.failing(path="summary", times=1, **fault):
        assert len(fetch(working_ions=("Zn",))[0]) == 2


def test_server_that_is_down(proxy, fetch):
    proxy.stop()
    with pytest.raises(
        UserError, match=rf"cannot be reached \(connection refused\), asked 3 times: {GOES_ON}"
    ) as caught:
        fetch()
    assert KEY not in _texts(caught.value)


def test_server_that_goes_down_meanwhile(proxy, fetch):
    fetch(working_ions=("Na",))
    proxy.stop()
    with pytest.raises(UserError, match=GOES_ON):
        fetch()
    proxy.start()
    proxy.requests.clear()
    fetch()
    assert proxy.count("GET", "working_ion=Na") == 0


def test_short_answer_is_no_answer(proxy, fetch):
    body = b'{"data": [], "meta": {"total_doc": 9}}'
    sentence = f"sent 0 of 9 electrodes of Na, asked 3 times: {GOES_ON}"
    with proxy.failing(path="_fields", status=200, body=body), pytest.raises(UserError, match=sentence):
        fetch()


def test_key_is_in_no_file_and_no_output(fetch, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    collection, refused = fetch()
    assert KEY not in repr(collection) + repr(refused)
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(files) == 5
    for path in files:
        content = path.read_bytes()
        assert KEY.encode() not in content + (gzip.decompress(content) if path.suffix == ".gz" else b"")
    assert KEY not in "".join(capfd.readouterr())


@pytest.mark.parametrize("key", [KEY[:16], KEY + "x", KEY[:31] + "\n", KEY[:31] + "é", " " * 32])
def test_malformed_key_is_not_shown(proxy, fetch, monkeypatch: pytest.MonkeyPatch, key):
    monkeypatch.setenv("MP_API_KEY", key)
    with pytest.raises(UserError, match="has not the 32 characters of one: get a key at") as caught:
        fetch()
    assert not key.strip() or key.strip() not in _texts(caught.value)
    assert proxy.requests == []


def test_key_of_pymatgen_s_configuration(proxy, fetch, monkeypatch: pytest.MonkeyPatch):
    import pymatgen.core

    monkeypatch.delenv("MP_API_KEY")
    monkeypatch.setitem(pymatgen.core.SETTINGS, "PMG_MAPI_KEY", "too short")
    with pytest.raises(UserError, match="has not the 32 characters"):
        fetch()


def test_no_key_is_fine_until_the_server_wants_one(proxy, fetch, monkeypatch: pytest.MonkeyPatch):
    import pymatgen.core

    monkeypatch.delenv("MP_API_KEY")
    monkeypatch.delitem(pymatgen.core.SETTINGS, "PMG_MAPI_KEY", raising=False)
    sentence = r"wants an API key, and none is set \(401 Unauthorized\): get a key at"
    with proxy.failing(path="summary", status=401), pytest.raises(UserError, match=sentence):
        fetch()
    assert len(fetch()[0]) > 0


@pytest.mark.parametrize(
    ("target", "carried"),
    [("https://api.example.org/else", True), ("https://else.example.org/", False), ("http://api.example.org/", False)],
)
def test_key_goes_to_no_other_host(target: str, carried: bool):
    session = BoundedSession(Patience("server", "way out", 1.0, 1, 0.0, 0.0), KEY)
    response = requests.Response()
    response.request = session.prepare_request(requests.Request("GET", "https://api.example.org/heartbeat"))
    redirected = response.request.copy()
    redirected.url = target
    session.rebuild_auth(redirected, response)
    assert (redirected.headers.get("x-api-key") == KEY) is carried


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("7", 7.0), ("soon", None), ("", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("-5", None)],
)
def test_wish_of_the_server(header: str | None, seconds: float | None):
    assert retry_after(header) == seconds


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        ("", "no address that starts with"),
        ("api.materialsproject.org", "no address that starts with"),
        ("ftp://api.materialsproject.org", "no address that starts with"),
        ("https://", "no address that starts with"),
        ("https://host:port", "no address"),
        ("https://me:secret@host/", "user name or a password: put them into ~/.netrc"),
        ("https://host/?key=secret", "goes on after its path"),
    ],
)
def test_endpoint_that_is_none(endpoint: str, sentence: str, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UserError, match=sentence) as caught:
        FetchSettings(endpoint=endpoint)
    assert "secret" not in str(caught.value)
    if endpoint:
        monkeypatch.setenv("MP_API_ENDPOINT", endpoint)
        with pytest.raises(UserError, match=r"The endpoint in \$MP_API_ENDPOINT"):
            _ = FetchSettings().address


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://Api.Example.org/", "https://api.example.org"),
        ("http://[::1]:8000/v3/", "http://[::1]:8000/v3"),
        (None, "https://api.materialsproject.org"),
    ],
)
def test_endpoint(given: str | None, address: str):
    assert FetchSettings(endpoint=given).address == address


def test_endpoint_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MP_API_ENDPOINT", "https://mirror.example.org/")
    assert FetchSettings().address == "https://mirror.example.org"


def test_unknown_ion():
    with pytest.raises(UserError, match="Working ion 'Fe' is not known"):
        FetchSettings(working_ions=("Li", "Fe"))


def test_cache_that_cannot_be_written(fetch, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        fetch(cache=tmp_path / "file" / "cache")
