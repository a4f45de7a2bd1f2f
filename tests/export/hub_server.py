"""A small Hub on this machine: what the real client asks of it to make a repository, and the files it was given."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.helpers import answering

MISSING = object()


class FakeHub:
    """`fail` maps a part of an address to the status that it is answered with (0: the connection is cut)."""

    def __init__(self, lfs: bool = False, public: bool = False, fail: dict[str, int] | None = None) -> None:
        self.lfs, self.public, self.fail = lfs, public, fail or {}
        self.files: dict[str, bytes] = {}
        self.repos: dict[str, Any] = {}
        self.tokens: set[str | None] = set()
        self.asked: list[str] = []
        self.url = ""
        self._blobs: dict[str, bytes] = {}

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        """Status and JSON for one request."""
        failed = next((status for part, status in self.fail.items() if part in path), 200)
        if failed != 200:
            return failed, {"error": "It says no.", "errors": [{"message": "It says no."}], "warnings": []}
        for pattern, answer in {
            "/api/repos/create": lambda _: self._create(json.loads(body)),
            "/api/(?:datasets|models)/.+/preupload/.+": lambda _: self._modes(json.loads(body)),
            ".+/objects/batch": lambda _: {"objects": [self._place(found) for found in json.loads(body)["objects"]]},
            "/blob/(.+)": lambda found: self._blobs.update({found[1]: body}),
            "/api/(?:datasets|models)/.+/commit/.+": lambda _: self._commit(body),
            "/api/(?:datasets|models)/([^/]+/[^/]+)": lambda found: self._look(found[1]),
        }.items():
            if found := re.fullmatch(pattern, path):
                given = answer(found)
                return (404, {"error": "Repository not found"}) if given is MISSING else (200, given or {})
        return 200, {}

    def _create(self, asked: dict[str, Any]) -> Any:
        name = f"{asked['organization']}/{asked['name']}"
        self.repos.setdefault(name, {**asked, "visibility": "public" if self.public else asked.get("visibility")})
        return {"url": f"{self.url}/datasets/{name}"}

    def _modes(self, asked: dict[str, Any]) -> Any:
        mode = "lfs" if self.lfs else "regular"
        return {"files": [{"path": file["path"], "uploadMode": mode, "shouldIgnore": False} for file in asked["files"]]}

    def _look(self, name: str) -> Any:
        if name not in self.repos:
            return MISSING
        private = self.repos[name]["visibility"] == "private"
        return {"_id": "1", "id": name, "private": private, "siblings": []}

    def _place(self, found: dict[str, Any]) -> dict[str, Any]:
        return {**found, "actions": {"upload": {"href": f"{self.url}/blob/{found['oid']}"}}}

    def _commit(self, body: bytes) -> dict[str, Any]:
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                content = self._blobs[value["oid"]]
                assert hashlib.sha256(content).hexdigest() == value["oid"] and len(content) == value["size"]
                self.files[value["path"]] = content
        return {"commitUrl": f"{self.url}/datasets/ada/terms/commit/1", "commitOid": "1" * 40, "success": True}


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = (
                self.rfile.read(int(self.headers.get("Content-Length") or 0)) if not self._chunked() else self._chunks()
            )
            path = self.path.partition("?")[0]
            hub.asked.append(path)
            hub.tokens.add(self.headers.get("Authorization"))
            status, answer = hub.answer(path, body)
            if not status:
                self.close_connection = True
                self.connection.close()
                return
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _chunked(self) -> bool:
            return self.headers.get("Transfer-Encoding") == "chunked"

        def _chunks(self) -> bytes:
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        do_GET = do_POST = do_PUT = do_HEAD = _serve

        def log_message(self, *_: Any) -> None:
            return

    return Handler


@contextmanager
def running(hub: FakeHub) -> Iterator[FakeHub]:
    with answering(_handler(hub)) as hub.url:
        yield hub
