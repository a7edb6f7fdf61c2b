"""A plain web server that knows nothing but files, and sends the compressed one to whoever takes it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Files(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send a file, as ``gzip_static`` and ``etag`` of common servers do."""
        path = Path(self.directory, self.path.lstrip("/"))
        packed = path.with_name(f"{path.name}.gz")
        takes = "gzip" in self.headers.get("Accept-Encoding", "")
        found = packed if takes and packed.exists() else path
        if not found.is_file():
            self.send_error(404)
            return
        content, told = found.read_bytes(), found.stat()
        tag = f'"{int(told.st_mtime):x}-{told.st_size:x}"'
        known = self.headers.get("If-None-Match") == tag
        self.send_response(304 if known else 200)
        self.send_header("ETag", tag)
        if not known:
            self.send_header("Content-Length", str(len(content)))
        if found is packed and not known:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if not known:
            self.wfile.write(content)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Keep quiet."""


@contextmanager
def serving_files(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine, and give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
