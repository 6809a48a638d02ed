"""The two ends of a handshake in HTTP: who asks to come in, and how to say no."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import unquote_to_bytes


def identity_of(
    uri: str, path_prefix: str | None = None, *, prefix_may_lack: bool = False
) -> str | None:
    """The charge point's identity in a request's URI: its last segment, percent-decoded (C-02).

    None if there is none, or something else than `path_prefix` before it; with `prefix_may_lack`
    there may also be nothing before it. A single slash after it is passed over where a prefix
    tells what is what.
    """
    # The raw URI: Python's own parser would cut the path at a semicolon.
    path = uri.partition("?")[0]
    if path_prefix is not None:
        if path == path_prefix or f"{path}/" == path_prefix:
            return None
        path = path.removesuffix("/")
    before, _, segment = path.rpartition("/")
    bare = prefix_may_lack and not before
    if path_prefix is not None and f"{before}/" != path_prefix and not bare:
        return None
    try:
        identity = unquote_to_bytes(segment.encode("latin-1")).decode()
    except UnicodeError:
        return None
    return identity if identity and identity.isprintable() else None


def refusal_answer(code: int, reason: str, headers: list[tuple[str, str]]) -> bytes:
    """A whole HTTP answer. The reason goes into the body, since a status line has its own words."""
    try:
        phrase = HTTPStatus(code).phrase
    except ValueError:
        phrase = "Refused"
    body = (reason.encode("ascii", "replace")[:200] or phrase.encode()) + b"\n"
    lines = [f"HTTP/1.1 {code} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    if code == HTTPStatus.UNAUTHORIZED:
        lines.append('WWW-Authenticate: Basic realm="ocpp", charset="UTF-8"')
    if code == HTTPStatus.UPGRADE_REQUIRED:
        lines += ["Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    if code == HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append("Allow: GET")
    lines += [
        "Content-Type: text/plain; charset=utf-8",
        "X-Content-Type-Options: nosniff",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
