"""Names and passwords in URLs: stations fetch and upload files with them, and nobody else needs
to see them."""

from __future__ import annotations

import re
from typing import Any, Final

_LOGIN: Final = re.compile(r"(?<=://)[^/?#\s\"]*@")
HIDDEN: Final = "***@"


def without_logins(text: str) -> str:
    """The text, with ``user:password@`` left out of the URLs in it."""
    return _LOGIN.sub(HIDDEN, text) if "://" in text else text


def document_without_logins(document: Any) -> Any:
    """The same for every text in a JSON document."""
    if isinstance(document, str):
        return without_logins(document)
    if isinstance(document, list):
        return [document_without_logins(item) for item in document]
    if isinstance(document, dict):
        return {name: document_without_logins(value) for name, value in document.items()}
    return document
