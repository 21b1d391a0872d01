"""A proxy in front of a real Kadi4Mat server, which can be told to fail."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit


@dataclass
class Fault:
    """What goes wrong with requests.

    Attributes
    ----------
    method, path
        Which requests: a method (empty for any) and a regular expression.
    times
        How many of them; None for all.
    status, headers, body
        The answer in place of the server's; status None lets the server answer.
    resets
        Whether the connection is reset instead of an answer.
    forwards
        Whether the server gets the request all the same, so that only its answer is lost.
    delay
        Seconds before anything happens.
    cut_after
        Bytes of the server's answer after which the connection breaks.
    """

    method: str = ""
    path: str = ""
    times: int | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"<html>an error page of a gateway</html>"
    resets: bool = False
    forwards: bool = False
    delay: float = 0.0
    cut_after: int | None = None

    def takes(self, method: str, path: str) -> bool:
        if self.times == 0 or self.method not in ("", method) or not re.search(self.path, path):
            return False
        self.times = None if self.times is None else self.times - 1
        return True


class Proxy:
    """Passes requests on to `upstream`, except those that a fault takes.

    Attributes
    ----------
    requests
        Method and path of every request that came, in their order.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the port of the last time if there was one."""
        handler = type("BoundHandler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", self.port), handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening: connections are refused from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @contextmanager
    def failing(self, **options: object) -> Iterator[Fault]:
        """Let requests fail while the block runs."""
        fault = Fault(**options)  # type: ignore[arg-type]
        self.faults.append(fault)
        try:
            yield fault
        finally:
            self.faults.remove(fault)

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.requests.append((method, path))
            return next((fault for fault in self.faults if fault.takes(method, path)), None)

    def count(self, method: str, path: str) -> int:
        """Return how many requests of a method came for paths that match."""
        return sum(seen == method and re.search(path, at) is not None for seen, at in self.requests)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that hang up are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    proxy: ClassVar[Proxy]
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.fault_for(self.command, self.path)
        if fault is not None and fault.delay:
            time.sleep(fault.delay)
        if fault is None or fault.forwards or fault.cut_after is not None:
            status, headers, answer = self._forward(body)
        if fault is not None and fault.resets:
            # No linger: the kernel answers with a reset instead of a proper end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        if fault is not None and fault.status is not None:
            status, headers, answer = fault.status, dict(fault.headers), fault.body
        elif fault is not None and fault.cut_after is None and not fault.forwards:
            status, headers, answer = self._forward(body)
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("connection", "content-length", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Connection", "close")  # or a stopped proxy would go on answering on open connections
        self.end_headers()
        if fault is not None and fault.cut_after is not None:
            answer, self.close_connection = answer[: fault.cut_after], True
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = self.proxy.upstream
        connection = http.client.HTTPConnection(str(upstream.hostname), upstream.port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        connection.request(self.command, self.path, body, {**headers, "Host": upstream.netloc})
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        return response.status, dict(response.getheaders()), answer

    def log_message(self, format: str, *arguments: object) -> None:
        pass
