"""Serves a page to this machine alone."""

from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import UserError
from .site import KINDS, Site

ADDRESS = "127.0.0.1"
KEPT_BYTES = 2**27
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


class ByteLimitedCache:
    """Cache of the most recent responses, limited by their total bytes."""

    def __init__(self, most: int):
        self._most, self._bytes = most, 0
        self._answers: OrderedDict[str, bytes] = OrderedDict()

    def get(self, path: str, make: Callable[[str], bytes]) -> bytes:
        """The response to a path; computed if it is not cached."""
        if path in self._answers:
            self._answers.move_to_end(path)
            return self._answers[path]
        body = self._answers[path] = make(path)
        self._bytes += len(body)
        while self._bytes > self._most and len(self._answers) > 1:
            self._bytes -= len(self._answers.popitem(last=False)[1])
        return body


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Queue of incoming connections: the standard library's five are fewer than one browser may open.
    request_queue_size = 1024

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores closed connections, and logs nothing."""


def make_server(site: Site, port: int) -> ThreadingHTTPServer:
    """A server of the page on 127.0.0.1; port 0 takes a free one. Raises UserError if the port is taken."""
    lock = Lock()  # h5py and models are used by one request at a time
    kept = ByteLimitedCache(KEPT_BYTES)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            # Protects against DNS rebinding: only requests to 127.0.0.1 or localhost are answered.
            if (self.headers.get("Host") or "").rsplit(":", 1)[0] not in (ADDRESS, "localhost"):
                return self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"this page is for this machine alone\n")
            # Data are scripts, which a page of another site could include; browsers send the requesting site.
            if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
                return self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"this page is not for other sites\n")
            path = unquote(urlsplit(self.path).path).lstrip("/") or "index.html"
            try:
                # A file that several requests need at once is computed once.
                with lock:
                    body = kept.get(path, site.read)
            except (KeyError, ValueError):
                return self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"no such file\n")
            except (UserError, OSError) as error:
                return self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", f"{error}\n".encode())
            return self._answer(HTTPStatus.OK, KINDS[PurePosixPath(path).suffix], body)

        def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Logs nothing."""

    try:
        return _Server((ADDRESS, port), Handler)
    except (OSError, OverflowError) as error:
        raise UserError(f"--port {port}: {error}; give another, or 0 for any that is free") from None


def serve(site: Site, port: int, announce: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; `announce` is called with the address."""
    with make_server(site, port) as server:
        announce(f"http://{ADDRESS}:{server.server_address[1]}/")
        server.serve_forever()
