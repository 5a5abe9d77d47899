"""A loopback server between build steps and the package registries: with their own headers, and a link of a set rate.

A lab's mirrors tend to be faster than anybody's network and to send no cache headers, without which pip keeps nothing.
So pip and npm are given the addresses of this server, which forwards to the indexes that this machine's own pip and npm
use, keeps what it got, and answers as the public registries do:

- files of PyPI: ``cache-control: max-age=365000000, immutable, public``; its pages ``max-age=600, public``;
- tarballs of npm: ``public, immutable, max-age=31557600``; its documents ``public, max-age=300``;
- an ETag, with which a client may ask again, and gzip for pages where the client takes it.

Everything else (apt, Go, Cargo, …) comes to it as to an ordinary proxy, by `HTTP_PROXY` and `HTTPS_PROXY`, and is
passed on untouched. All that goes to the build steps passes one `Link`, however many connections there are. Towards the
registries, which must be reached directly, connections are kept and names are looked up once.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import os
import re
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urljoin, urlsplit

LOOPBACK = "127.0.0.1"
CHUNK = 1 << 15
SECONDS = 120
REDIRECTS = 5
PIP, NPM, FILES = "/pip/", "/npm/", "/files/"
# What the public registries send, seen in November 2026.
PIP_FILE, PIP_PAGE = "max-age=365000000, immutable, public", "max-age=600, public"
NPM_FILE, NPM_PAGE = "public, immutable, max-age=31557600", "public, max-age=300"
# RFC 9110, 7.6.1: these are between two neighbours only.
HOP = frozenset("connection keep-alive proxy-connection te trailer transfer-encoding upgrade".split())
_HREF = re.compile(r'(<a\b[^>]*?\bhref=")([^"]*)(")', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Upstream:
    """The addresses of the indexes that pip and npm use on this machine, each with a slash at its end."""

    pip: str
    npm: str


def upstream() -> Upstream:
    """Return what this machine's pip and npm are set to; raise OSError or ValueError where they do not tell."""
    environment = {**os.environ, "COLUMNS": "400"}
    pip = [sys.executable, "-m", "pip", "install", "--help"]
    text = subprocess.run(pip, capture_output=True, text=True, check=True, env=environment).stdout
    index = re.search(r"--index-url <url>.*?\(default\s+([^\s)]+)\)", text, re.DOTALL)
    if index is None:
        raise ValueError("pip does not tell its index")
    try:
        npm = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        npm = ""
    return Upstream(index[1].rstrip("/") + "/", npm.strip().rstrip("/") + "/")


class Link:
    """A network link of a rate in bytes a second (None: as fast as it goes), which all connections share."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self._lock = threading.Lock()
        self._free = 0.0

    def take(self, number: int) -> None:
        """Wait until `number` bytes have passed."""
        rate = self.rate
        if rate is None:
            return
        with self._lock:
            self._free = max(self._free, time.monotonic()) + number / rate
            wait = self._free - time.monotonic()
        if wait > 0:
            time.sleep(wait)


@cache
def _looked_up(host: str, port: int) -> tuple[str, int]:
    """Return a machine's address; raise OSError if it has none."""
    address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][-1]
    return str(address[0]), port


def connected(host: str, port: int) -> socket.socket:
    """Return a connection to a machine; raise OSError if there is none."""
    made = socket.create_connection(_looked_up(host, port), SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


class Origins:
    """Connections to other servers, each used by one request at a time and kept for the next one."""

    def __init__(self) -> None:
        self._free: dict[tuple[str, str], list[http.client.HTTPConnection]] = defaultdict(list)
        self._tls = ssl.create_default_context()

    @contextmanager
    def request(self, method: str, address: str, headers: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
        """Yield the answer to a request without a body; raise OSError or HTTPException if none comes."""
        place = urlsplit(address)
        key = (place.scheme, place.netloc)
        path = place._replace(scheme="", netloc="", fragment="").geturl() or "/"
        kept = self._free[key]
        while True:
            reused, connection = self._take(key)
            try:
                connection.request(method, path, headers={"Host": place.netloc, **headers})
                response = connection.getresponse()
                break
            except (OSError, http.client.HTTPException):
                connection.close()
                # The other side may have hung up meanwhile.
                if not reused:
                    raise
        whole = False
        try:
            yield response
            whole = response.isclosed() and not response.will_close
        finally:
            response.close()
            if whole:
                kept.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close what is kept."""
        for connections in self._free.values():
            while connections:
                connections.pop().close()

    def _take(self, key: tuple[str, str]) -> tuple[bool, http.client.HTTPConnection]:
        """Return a connection, and whether it is a kept one."""
        try:
            return True, self._free[key].pop()
        except IndexError:
            return False, self._connect(*key)

    def _connect(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        place = urlsplit(f"{scheme}://{netloc}")
        host, port = place.hostname or "", place.port or {"http": 80, "https": 443}[scheme]
        connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
        connection.sock = connected(host, port)
        if scheme == "https":
            connection.sock = self._tls.wrap_socket(connection.sock, server_hostname=host)
        return connection


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent for one address: a status, headers, and a body."""

    status: int
    headers: dict[str, str]
    body: bytes
    packed: bytes = b""
    """The body in gzip, where it is worth it."""


class Store:
    """Fetches each address once and keeps it, as the edge of the registries' delivery network does."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.origins = Origins()
        self._answers: dict[tuple[str, str], Answer] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, path: str, accept: str, here: str) -> Answer:
        """Return the answer for a path of this server, whose own address is `here`."""
        key = (path, accept if path.startswith((PIP, NPM)) else "")
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._answers:
                answer = self._answer(path, accept, here)
                if answer.status != http.HTTPStatus.OK:
                    return answer
                self._answers[key] = answer
            return self._answers[key]

    def _answer(self, path: str, accept: str, here: str) -> Answer:
        """Fetch, point links to this server, and add the headers."""
        if path.startswith(FILES):
            scheme, _, rest = path.removeprefix(FILES).partition("/")
            return self._fetch(f"{scheme}://{rest}", accept, PIP_FILE)
        if path.startswith(PIP):
            address = self.upstream.pip + path.removeprefix(PIP)
            answer = self._fetch(address, accept, PIP_PAGE)
            return _page(answer, linked(answer, address, here + FILES))
        address = self.upstream.npm + path.removeprefix(NPM)
        if address.endswith(".tgz"):
            return self._fetch(address, accept, NPM_FILE)
        answer = self._fetch(address, accept, NPM_PAGE)
        return _page(answer, answer.body.replace(self.upstream.npm.encode(), (here + NPM).encode()))

    def _fetch(self, address: str, accept: str, control: str) -> Answer:
        """Return what a registry answers, with the headers that it should have."""
        headers = {"Accept": accept or "*/*", "User-Agent": "dockerfix-bench"}
        try:
            for _ in range(REDIRECTS):
                with self.origins.request("GET", address, headers) as response:
                    body = response.read()
                    if response.status not in (301, 302, 303, 307, 308):
                        break
                    address = urljoin(address, response.getheader("Location", ""))
        except (OSError, http.client.HTTPException) as error:
            return Answer(http.HTTPStatus.BAD_GATEWAY, {"Content-Type": "text/plain"}, f"{error}\n".encode())
        kind = response.getheader("Content-Type", "application/octet-stream")
        more = {"Cache-Control": control} if response.status == http.HTTPStatus.OK else {}
        return Answer(response.status, {"Content-Type": kind, **more}, body)


def linked(answer: Answer, address: str, files: str) -> bytes:
    """Return a page of a package index whose links to files lead through `files`; other answers as they are."""

    def through(link: str) -> str:
        whole = urljoin(address, link)
        scheme, _, rest = whole.partition("://")
        return f"{files}{scheme}/{rest}"

    kind = answer.headers["Content-Type"]
    if answer.status != http.HTTPStatus.OK or not ("json" in kind or "html" in kind):
        return answer.body
    if "json" in kind:
        page = json.loads(answer.body)
        for file in page.get("files", ()):
            file["url"] = through(file["url"])
        return json.dumps(page).encode()
    text = answer.body.decode("utf-8", "surrogateescape")
    return _HREF.sub(lambda found: found[1] + through(found[2]) + found[3], text).encode("utf-8", "surrogateescape")


def _page(answer: Answer, body: bytes) -> Answer:
    headers = {**answer.headers, "Vary": "Accept, Accept-Encoding"}
    return Answer(answer.status, headers, body, gzip.compress(body, 6, mtime=0))


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        """Answer from the store, or as a proxy where the address is a whole one."""
        if urlsplit(self.path).scheme == "http":
            self._forward()
        elif self.path.startswith((PIP, NPM, FILES)):
            self._answer(self.server.store.get(self.path, self.headers.get("Accept", ""), self.server.address))
        else:
            self.send_error(http.HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET

    def do_CONNECT(self) -> None:
        """Open a tunnel and copy both ways until one end is closed."""
        host, _, port = self.path.rpartition(":")
        try:
            far = connected(host.strip("[]"), int(port))
        except (OSError, ValueError) as error:
            self.send_error(http.HTTPStatus.BAD_GATEWAY, str(error))
            return
        self.close_connection = True
        with far:
            self.send_response(http.HTTPStatus.OK)
            self.end_headers()
            self._tunnel(self.connection, far)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: the builds are what is looked at."""

    def _tunnel(self, near: socket.socket, far: socket.socket) -> None:
        """Copy until both sides have said all, or nothing came for `SECONDS`."""
        open_ = {near, far}
        while open_:
            ready, _, _ = select.select(list(open_), [], [], SECONDS)
            if not ready:
                return
            for source in ready:
                try:
                    data = source.recv(CHUNK)
                    if source is far:
                        self.server.link.take(len(data))
                    target = near if source is far else far
                    if data:
                        target.sendall(data)
                    else:
                        open_.discard(source)
                        target.shutdown(socket.SHUT_WR)
                except OSError:
                    return

    def _answer(self, answer: Answer) -> None:
        """Send an answer, or that the client has it already."""
        headers, body, status = dict(answer.headers), answer.body, answer.status
        if answer.packed and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = answer.packed
            headers["Content-Encoding"] = "gzip"
        if status == http.HTTPStatus.OK:
            headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            if self.headers.get("If-None-Match") == headers["ETag"]:
                status, body = http.HTTPStatus.NOT_MODIFIED, b""
        if status != http.HTTPStatus.NOT_MODIFIED:
            headers["Content-Length"] = str(len(body))
        self._head(status, headers)
        if self.command != "HEAD":
            self._send(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, body: bytes) -> None:
        for begin in range(0, len(body), CHUNK):
            part = body[begin : begin + CHUNK]
            self.server.link.take(len(part))
            self.wfile.write(part)

    def _forward(self) -> None:
        """Ask for a plain http address in the client's name, and pass the answer on as it comes."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        begun = False
        try:
            with self.server.store.origins.request(self.command, self.path, headers) as response:
                begun = True
                self._pass_on(response)
        except (OSError, http.client.HTTPException) as error:
            self.close_connection = True
            if not begun:
                self.send_error(http.HTTPStatus.BAD_GATEWAY, str(error))

    def _pass_on(self, response: http.client.HTTPResponse) -> None:
        """Send an answer as it comes; where it does not tell its length, the connection's end does."""
        kept = {name: value for name, value in response.getheaders() if name.lower() not in HOP}
        if response.length is None and self.command != "HEAD":
            kept["Connection"] = "close"
            self.close_connection = True
        self._head(response.status, kept)
        while data := response.read(CHUNK):
            self.server.link.take(len(data))
            self.wfile.write(data)


class Server(ThreadingHTTPServer):
    """The server: its store, its link, and how build steps come to use it."""

    daemon_threads = True
    # npm opens many connections at once.
    request_queue_size = 128

    def __init__(self, upstream: Upstream) -> None:
        super().__init__((LOOPBACK, 0), Handler)
        self.store = Store(upstream)
        self.link = Link()

    @property
    def address(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead pip and npm here."""
        # pip keeps nothing that came by http from a host that it is not told to trust.
        found = {"PIP_INDEX_URL": self.address + PIP, "PIP_TRUSTED_HOST": LOOPBACK}
        if self.store.upstream.npm != "/":
            found["NPM_CONFIG_REGISTRY"] = self.address + NPM
        return found

    @property
    def proxies(self) -> dict[str, str]:
        """The build arguments that lead everything else here; no builder has them in a cache key or in an image."""
        return {
            "HTTP_PROXY": self.address,
            "HTTPS_PROXY": self.address,
            "NO_PROXY": f"{LOOPBACK},localhost",
        }

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a client go that has hung up."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def serving(upstream: Upstream) -> Iterator[Server]:
    """Yield a server that answers, on a free port."""
    with Server(upstream) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            server.store.origins.close()
