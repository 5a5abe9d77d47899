"""The server between the builds and the registries, with registries that a test makes."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from registry import NPM_FILE, PIP_FILE, PIP_PAGE, Link, Server, Upstream, serving, upstream

WHEEL = b"PK" + bytes(range(256)) * 400
HTML = b'<!DOCTYPE html><a data-x="1" href="../../files/six-1.0.whl#sha256=ab">six</a>'
TARBALL = b"\x1f\x8b" + bytes(5000)


class Origin(BaseHTTPRequestHandler):
    """Registries without any cache headers, as a lab has them."""

    protocol_version = "HTTP/1.1"
    server: Registries

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Accept", "")))
        self.server.clients.add(self.client_address)
        body, kind, status = self._found()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Range", self.headers.get("Range", ""))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def _found(self) -> tuple[bytes, str, int]:
        if self.path == "/simple/six/" and "json" in self.headers.get("Accept", ""):
            page = {"files": [{"url": f"{self.server.address}/files/six-1.0.whl", "filename": "six-1.0.whl"}]}
            return json.dumps(page).encode(), "application/vnd.pypi.simple.v1+json", 200
        tarball = {"dist": {"tarball": f"{self.server.address}/npm/uuid/-/uuid-1.0.tgz"}}
        return {
            "/simple/six/": (HTML, "text/html", 200),
            "/files/six-1.0.whl": (WHEEL, "application/zip", 200),
            "/npm/uuid": (json.dumps(tarball).encode(), "application/json", 200),
            "/npm/uuid/-/uuid-1.0.tgz": (TARBALL, "application/octet-stream", 200),
            "/chunked": (b"", "text/plain", 200),
        }.get(self.path, (b"nothing here", "text/plain", 404))

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class Registries(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Origin)
        self.asked: list[tuple[str, str]] = []
        self.clients: set[object] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def origin() -> Iterator[Registries]:
    with Registries() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server(origin: Registries) -> Iterator[Server]:
    with serving(Upstream(f"{origin.address}/simple/", f"{origin.address}/npm/")) as server:
        yield server


def get(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def test_a_file_of_pip_gets_the_headers_of_pypi(server: Server, origin: Registries) -> None:
    page, text = get(server, "/pip/six/")
    assert page.getheader("Cache-Control") == PIP_PAGE
    assert b'data-x="1"' in text and b"#sha256=ab" in text
    link = text.decode().partition('href="')[2].partition('"')[0]
    assert link.startswith(server.address)
    file, content = get(server, urlsplit(link).path)
    assert content == WHEEL
    assert file.getheader("Cache-Control") == PIP_FILE
    assert file.getheader("Content-Type") == "application/zip"
    assert file.getheader("ETag")


def test_an_index_page_in_json_leads_here_too(server: Server) -> None:
    _, text = get(server, "/pip/six/", Accept="application/vnd.pypi.simple.v1+json")
    (file,) = json.loads(text)["files"]
    assert file["filename"] == "six-1.0.whl"
    assert get(server, urlsplit(file["url"]).path)[1] == WHEEL


def test_a_tarball_of_npm_gets_the_headers_of_npm(server: Server) -> None:
    _, text = get(server, "/npm/uuid")
    tarball = json.loads(text)["dist"]["tarball"]
    assert tarball == f"{server.address}/npm/uuid/-/uuid-1.0.tgz"
    file, content = get(server, urlsplit(tarball).path)
    assert (content, file.getheader("Cache-Control")) == (TARBALL, NPM_FILE)


def test_each_address_is_fetched_once(server: Server, origin: Registries) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: get(server, "/npm/uuid/-/uuid-1.0.tgz")[1], range(16)))
    assert set(found) == {TARBALL}
    get(server, "/pip/six/", Accept="text/html")
    get(server, "/pip/six/", Accept="application/json")
    assert [path for path, _ in origin.asked] == ["/npm/uuid/-/uuid-1.0.tgz", "/simple/six/", "/simple/six/"]


def test_what_is_not_there_is_not_kept(server: Server, origin: Registries) -> None:
    for _ in range(2):
        answer, text = get(server, "/pip/nothing/")
        assert (answer.status, text) == (404, b"nothing here")
        assert answer.getheader("Cache-Control") is None
    assert len(origin.asked) == 2
    assert get(server, "/elsewhere")[0].status == 404


def test_a_registry_that_does_not_answer() -> None:
    with serving(Upstream("http://127.0.0.1:1/simple/", "/")) as server:
        assert get(server, "/pip/six/")[0].status == 502
        assert get(server, "http://127.0.0.1:1/x")[0].status == 502
        assert set(server.environment) == {"PIP_INDEX_URL", "PIP_TRUSTED_HOST"}


def test_a_client_asks_again(server: Server) -> None:
    first, _ = get(server, "/pip/six/")
    again, text = get(server, "/pip/six/", If_None_Match=first.getheader("ETag") or "")
    assert (again.status, text) == (304, b"")
    packed, body = get(server, "/pip/six/", Accept_Encoding="gzip, deflate")
    assert packed.getheader("Content-Encoding") == "gzip"
    assert gzip.decompress(body) == get(server, "/pip/six/")[1]
    assert packed.getheader("ETag") != first.getheader("ETag")
    head, body = get(server, "/npm/uuid/-/uuid-1.0.tgz", "HEAD")
    assert (head.getheader("Content-Length"), body) == (str(len(TARBALL)), b"")


def test_other_addresses_are_passed_on_as_they_are(server: Server, origin: Registries) -> None:
    whole = f"{origin.address}/files/six-1.0.whl"
    answer, body = get(server, whole, Range="bytes=0-1")
    assert body == WHEEL
    assert answer.getheader("X-Range") == "bytes=0-1", "the client's headers arrive"
    assert answer.getheader("Cache-Control") is None
    assert get(server, f"{origin.address}/chunked")[1] == b"abcde"
    assert get(server, whole, "HEAD")[0].getheader("Content-Length") == str(len(WHEEL))
    assert get(server, f"{origin.address}/none")[0].status == 404


def settle(server: Server) -> None:
    """Wait until a connection has been put back, which may be behind the last byte of an answer."""
    end = time.monotonic() + 10
    while not any(server.store.origins._free.values()) and time.monotonic() < end:
        time.sleep(0.01)


def test_connections_are_kept(server: Server, origin: Registries) -> None:
    for path in ("/npm/uuid", "/pip/six/", f"{origin.address}/files/six-1.0.whl", f"{origin.address}/none"):
        get(server, path)
        settle(server)
    assert len(origin.clients) == 1
    assert len(origin.asked) == 4


def test_a_kept_connection_that_is_closed_meanwhile(server: Server, origin: Registries) -> None:
    get(server, "/npm/uuid")
    settle(server)
    ((_, kept),) = server.store.origins._free.items()
    kept[0].sock.shutdown(socket.SHUT_RDWR)
    assert get(server, "/pip/six/")[0].status == 200
    assert len(origin.clients) == 2


def test_a_tunnel(server: Server, origin: Registries) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), 20) as client:
        client.sendall(f"CONNECT 127.0.0.1:{origin.server_port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.status == 200
        client.sendall(b"GET /files/six-1.0.whl HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        inner = http.client.HTTPResponse(client)
        inner.begin()
        assert inner.read() == WHEEL
    assert get(server, "127.0.0.1:1", "CONNECT")[0].status == 502


@contextmanager
def seconds(least: float) -> Iterator[None]:
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin >= least


def test_all_connections_share_the_link(server: Server, origin: Registries) -> None:
    paths = [
        "/files/http/" + origin.address.partition("//")[2] + "/files/six-1.0.whl",
        origin.address + "/files/six-1.0.whl",
    ]
    for path in paths:
        get(server, path)
    server.link.rate = 4 * len(WHEEL) / 0.5
    with seconds(0.45), ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda path: get(server, path)[1], paths * 2)) == {WHEEL}


def test_a_link_without_a_rate_does_not_wait() -> None:
    link = Link()
    begin = time.monotonic()
    link.take(10**12)
    assert time.monotonic() - begin < 1


def test_how_builds_come_here(server: Server) -> None:
    assert server.environment == {
        "PIP_INDEX_URL": server.address + "/pip/",
        "PIP_TRUSTED_HOST": "127.0.0.1",
        "NPM_CONFIG_REGISTRY": server.address + "/npm/",
    }
    assert server.proxies["HTTPS_PROXY"] == server.address
    assert "127.0.0.1" in server.proxies["NO_PROXY"]


def test_the_indexes_are_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.org/a/simple")
    monkeypatch.setenv("npm_config_registry", "https://example.org/b/")
    found = upstream()
    assert found.pip == "https://example.org/a/simple/"
    assert found.npm in ("https://example.org/b/", "/"), "where there is no npm, there is none to ask"
