"""How long requests are tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.session import KadiError, retry_after

from .proxy import Proxy


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        (" 120 ", 120.0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, lambda: datetime(2026, 1, 1, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("status", "tries"),
    [(400, 1), (401, 1), (403, 1), (404, 1), (413, 1), (429, 2), (500, 2), (502, 2), (503, 2), (504, 2)],
)
def test_what_passes_is_tried_again_and_what_does_not_is_not(
    proxied: KadiClient, proxy: Proxy, status: int, tries: int
) -> None:
    with proxy.failing(status=status), pytest.raises(KadiError) as caught:
        proxied.ask("get", "/info", "reading the version")
    assert caught.value.status == status
    assert str(status) in str(caught.value)
    assert proxy.host in str(caught.value)
    assert proxy.count("GET", "/info") == 1 if tries == 1 else proxy.count("GET", "/info") >= tries


def test_a_redirection_is_not_followed(proxied: KadiClient, proxy: Proxy) -> None:
    with (
        proxy.failing(status=302, headers={"Location": "https://elsewhere.example.org/api/v1/info"}),
        pytest.raises(KadiError, match=r"redirection to 'https://elsewhere\.example\.org'"),
    ):
        proxied.ask("get", "/info", "reading the version")


def test_a_page_in_between_is_no_answer(proxied: KadiClient, proxy: Proxy) -> None:
    with proxy.failing(status=200), pytest.raises(KadiError, match="log-in page of the network"):
        proxied.find("records", "screen-1")
