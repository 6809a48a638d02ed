"""The pages in the browser: files of this folder, served beside the API that they use.

They need no build step and nothing from elsewhere. A strict Content-Security-Policy allows
scripts, styles and connections of this server only, and no text can become markup.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any, Final

import attrs
from twisted.web.http import CACHED
from twisted.web.pages import notFound
from twisted.web.resource import IResource, Resource

FOLDER: Final = "pages"
"""Path segment below which the files are served; the first page itself is at ``/``."""

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "manifest-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@attrs.frozen
class PageFile:
    """One file as browsers get it."""

    content: bytes
    content_type: str

    @property
    def etag(self) -> bytes:
        """Changes whenever the content does; with its quotes."""
        return b'"%s"' % hashlib.sha256(self.content).hexdigest()[:32].encode()


class FolderResource(Resource):
    """Leads to files; there is nothing else in it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def getChild(self, path: bytes, request: Any) -> IResource:
        return notFound()

    def render_GET(self, request: Any) -> Any:
        return notFound().render(request)


class FileResource(FolderResource):
    """Serves one file; browsers ask each time whether it has changed."""

    def __init__(self, file: PageFile) -> None:
        super().__init__()
        self._file = file

    def render_GET(self, request: Any) -> bytes:
        request.setHeader("server", "txocpp")
        request.setHeader("content-type", self._file.content_type)
        request.setHeader("cache-control", "no-cache")
        request.setHeader("content-security-policy", CONTENT_SECURITY_POLICY)
        request.setHeader("cross-origin-opener-policy", "same-origin")
        request.setHeader("cross-origin-resource-policy", "same-origin")
        request.setHeader("referrer-policy", "no-referrer")
        request.setHeader("x-content-type-options", "nosniff")
        if request.setETag(self._file.etag) is CACHED:
            return b""
        return self._file.content


def page_files() -> dict[str, PageFile]:
    """All files by their path below the folder."""
    top = resources.files(__package__) / "files"
    return {
        str(path): PageFile(file.read_bytes(), _CONTENT_TYPES[path.suffix])
        for path, file in _walk(top, PurePosixPath())
    }


def _walk(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, Traversable]]:
    for entry in folder.iterdir():
        below = path / entry.name
        if entry.is_dir():
            yield from _walk(entry, below)
        elif below.suffix in _CONTENT_TYPES:
            yield below, entry


def add_pages(root: Resource) -> None:
    """Put the pages on a port: the first one at ``/``, what it needs in a folder of its own."""
    files = page_files()
    top = FolderResource()
    for path, file in files.items():
        *folders, name = path.encode().split(b"/")
        parent = top
        for folder in folders:
            if folder not in parent.children:
                parent.putChild(folder, FolderResource())
            parent = parent.children[folder]
        parent.putChild(name, FileResource(file))
    root.putChild(b"", FileResource(files["index.html"]))
    root.putChild(FOLDER.encode(), top)
