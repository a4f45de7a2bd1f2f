"""A small Hub with models on this machine: what the real client asks of it, with gates, redirects and interruptions."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.helpers import answering

COMMIT = "c0ffee" + "0" * 34
LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "max_position_embeddings": 2048}
CARD = b"---\nlanguage: en\nlicense: apache-2.0\n---\n# A model\n"


def weights(bytes_: int, seed: int = 0) -> bytes:
    """A valid safetensors file with one tensor of so many bytes."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [bytes_], "data_offsets": [0, bytes_]}}).encode()
    block = bytes((number * 7 + seed) % 251 for number in range(4096))
    return struct.pack("<Q", len(header)) + header + (block * (bytes_ // 4096 + 1))[:bytes_]


def model_files(**more: Any) -> dict[str, bytes]:
    """A small model; `more` replaces files (`config` is an object), None takes one away. `.` is written `__`."""
    files: dict[str, Any] = {
        "config.json": json.dumps(LLAMA | more.pop("config", {})).encode(),
        "tokenizer.json": b"{}",
        "tokenizer_config.json": b'{"chat_template": "x"}',
        "model.safetensors": weights(50_000),
        "README.md": CARD,
        ".gitattributes": b"*",
    }
    files |= {name.replace("__", "."): content for name, content in more.items()}
    return {name: content for name, content in files.items() if content is not None}


@dataclass
class Repo:
    """`gated` files need `token`; `private` ones are hidden without it. `renamed` is the name it has now."""

    files: dict[str, bytes] = field(default_factory=model_files)
    commit: str = COMMIT
    revisions: dict[str, str] = field(default_factory=dict)
    gated: str = ""
    private: bool = False
    renamed: str = ""
    license: str = "apache-2.0"
    lfs_from: int = 1000


@dataclass
class Hub:
    """Answers, and remembers what it was asked.

    `cut_after`: bytes of a file after which the connection is cut, once a file. `pause`: seconds between pieces of
    64 KiB. `ranges`: whether it knows what a range is. `status`: answered to everything. `spoil`: files that are sent
    with a wrong byte. `cdn`: large files are elsewhere.
    """

    repos: dict[str, Repo] = field(default_factory=dict)
    token: str = "hf_right"
    cut_after: int = 0
    pause: float = 0.0
    ranges: bool = True
    status: int = 0
    spoil: set[str] = field(default_factory=set)
    cdn: str = ""
    url: str = ""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    tokens: list[tuple[str, str | None]] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    _cut: set[str] = field(default_factory=set)

    def about(self, repo_id: str, repo: Repo, commit: str) -> dict[str, Any]:
        try:
            config = json.loads(repo.files["config.json"])
            told = {key: config[key] for key in ("architectures", "model_type") if key in config}
        except (KeyError, ValueError):
            told = {}
        return {
            "_id": "1",
            "id": repo_id,
            "sha": commit,
            "private": repo.private,
            "gated": repo.gated or False,
            "cardData": {"license": repo.license},
            "config": told,
            "tags": [],
            "safetensors": {"parameters": {"BF16": 50_000}, "total": 50_000},
            "siblings": [self._sibling(name, content, repo) for name, content in repo.files.items()],
        }

    def _sibling(self, name: str, content: bytes, repo: Repo) -> dict[str, Any]:
        about = {"rfilename": name, "size": len(content), "blobId": git_sha1(content)}
        if len(content) >= repo.lfs_from:
            about["lfs"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 130}
        return about


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Refused(Exception):
    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        self.status, self.code, self.message = status, code, message


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            path = unquote(urlsplit(self.path).path)
            authorization = self.headers.get("Authorization")
            hub.asked.append((self.command, path, self.headers.get("Range") or ""))
            hub.tokens.append((path, authorization))
            try:
                if hub.status:
                    raise _Refused(hub.status)
                if authorization not in (None, f"Bearer {hub.token}") and not path.startswith("/cdn/"):
                    raise _Refused(401, message="Invalid credentials in Authorization header")
                self._answer(path, authorization is not None)
            except _Refused as refused:
                self._send(
                    refused.status,
                    b'{"error": "no"}',
                    {
                        "X-Error-Code": refused.code,
                        "X-Error-Message": refused.message,
                    },
                )
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def _answer(self, path: str, known: bool) -> None:
            if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
                name, repo, commit = self._repo(found[1], found[2], known)
                if repo.renamed:
                    new = path.replace(name, repo.renamed)
                    self._send(307, b"", {"Location": f"{hub.url}{new}?blobs=True"})
                else:
                    self._send(200, json.dumps(hub.about(name, repo, commit)).encode())
            elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([0-9a-f]{40})/(.+)", path):
                _, repo, _ = self._repo(found[1], found[2], known)
                if repo.gated and not known:
                    raise _Refused(401, "GatedRepo", "Access is restricted.")
                if found[3] not in repo.files:
                    raise _Refused(404, "EntryNotFound")
                if hub.cdn and found[3].endswith(".safetensors"):
                    self._send(302, b"", {"Location": f"{hub.cdn}/cdn/{found[1]}/{found[3]}"})
                else:
                    self._file(found[3], repo.files[found[3]])
            elif found := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
                self._file(found[2], hub.repos[found[1]].files[found[2]])
            else:
                raise _Refused(404, "RepoNotFound")

        def _repo(self, name: str, revision: str | None, known: bool) -> tuple[str, Repo, str]:
            repo = hub.repos.get(name)
            if repo is None or (repo.private and not known):
                raise _Refused(401 if not known else 404, "RepoNotFound")
            if revision in (None, "main", repo.commit):
                return name, repo, repo.commit
            if revision in repo.revisions.values():
                return name, repo, revision
            if revision not in repo.revisions:
                raise _Refused(404, "RevisionNotFound")
            return name, repo, repo.revisions[revision]

        def _file(self, name: str, content: bytes) -> None:
            if name in hub.spoil:
                content = content[:-1] + bytes([content[-1] ^ 1])
            found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "") if hub.ranges else None
            start = int(found[1]) if found else 0
            about = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if found else {}
            self._head(206 if found else 200, len(content) - start, about)
            for place in range(start, len(content), 1 << 16):
                piece = content[place : place + (1 << 16)]
                self.wfile.write(piece)
                hub.sent[name] = hub.sent.get(name, 0) + len(piece)
                if hub.cut_after and name not in hub._cut and hub.sent[name] >= hub.cut_after:
                    hub._cut.add(name)
                    self.close_connection = True
                    self.connection.close()
                    return
                time.sleep(hub.pause)

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self._head(status, len(body), {"Content-Type": "application/json", **(headers or {})})
            self.wfile.write(body)

        def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(length))
            self.end_headers()

        do_GET = do_HEAD = _serve

        def log_message(self, *_: Any) -> None:
            return

    return Handler


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    with answering(_handler(hub)) as hub.url:
        yield hub


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder
