"""A server on the loopback interface that serves the interactive page and its data, no files.

A page of another site cannot use it: the Host header must name this machine, which a rebound name
of another site does not, and requests for data must be JSON of this very origin.
"""

import base64
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

from fuzzydict.play.playground import Playground, UnknownKeysError

__all__ = ["Server"]

_HOSTS = {"127.0.0.1", "localhost"}
_MAX_BODY = 16 << 20  # bytes
_TIMEOUT = 120.0  # seconds without a request after which a connection is closed


class Server(ThreadingHTTPServer):
    """Serve a playground on ``http://127.0.0.1:port``.

    Args:
        playground: What answers the page.
        port: The port, 0 for any free one.

    Raises:
        OSError: The port is in use.
    """

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # on Windows two servers could share a port

    def __init__(self, playground: Playground, port: int = 0) -> None:
        page = files("fuzzydict.play").joinpath("page.html").read_text("utf-8")
        script = "".join(re.findall(r"<script>(.*?)</script>", page, re.DOTALL))
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        self.page = page.encode()
        self.policy = (
            f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
            "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        self.answers: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "/start": playground.start,
            "/keys": playground.keys,
            "/file": playground.file,
            "/answer": playground.answer,
            "/sentence": playground.sentence,
        }
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print errors, but not those of pages that were closed."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "fuzzydict", ""
    disable_nagle_algorithm = True  # an answer would wait 40 ms for an acknowledgement
    timeout = _TIMEOUT
    server: Server

    def do_GET(self) -> None:
        if self._is_of_this_host():
            if self.path == "/":
                self._send(200, "text/html; charset=utf-8", self.server.page)
            else:
                self._refuse(404, "there is nothing here but /")

    def do_POST(self) -> None:
        answer = self.server.answers.get(self.path)
        length = self.headers.get("Content-Length", "")
        if not self._is_of_this_host():
            return
        if answer is None:
            self._refuse(404, "there is nothing here")
        elif self.headers.get("Origin", self._origin()) != self._origin():
            self._refuse(403, "requests of other sites are refused")
        elif self.headers.get_content_type() != "application/json":
            self._refuse(415, "expected application/json")
        elif not length.isdecimal():
            self._refuse(411, "expected a Content-Length")
        elif int(length) > _MAX_BODY:
            self._refuse(413, f"more than {_MAX_BODY >> 20} MB of keys")
        else:
            self._answer(answer, self.rfile.read(int(length)))

    def _answer(self, answer: Callable[[Mapping[str, Any]], Any], body: bytes) -> None:
        try:
            request = json.loads(body)
            if not isinstance(request, dict):
                raise TypeError("expected a JSON object")
            status, result = 200, answer(request)
        except UnknownKeysError:
            status, result = 410, {"error": "these keys are not stored any more"}
        except (TypeError, ValueError, RecursionError) as error:
            status, result = 400, {"error": " ".join(str(error).split())}
        self._send(status, "application/json", json.dumps(result).encode())

    def _is_of_this_host(self) -> bool:
        """Refuse a request that names another host, as a rebound name of a site would."""
        host = self.headers.get("Host", "").partition(":")[0]
        if host in _HOSTS:
            return True
        self._refuse(403, "this page is for this machine only")
        return False

    def _origin(self) -> str:
        return f"http://{self.headers.get('Host', '')}"

    def _refuse(self, status: int, message: str) -> None:
        self.close_connection = True  # the body, if any, is not read
        self._send(status, "application/json", json.dumps({"error": message}).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", self.server.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing for each request."""
