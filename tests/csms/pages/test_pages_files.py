"""The files of the pages as browsers get them."""

from __future__ import annotations

import re

import pytest
from api_rig import Client
from street import Street, outcome_of
from treq.testing import StubTreq
from twisted.web.resource import Resource

from txocpp.csms.pages import CONTENT_SECURITY_POLICY, PageFile, add_pages, page_files

FILES = page_files()
SCRIPTS = {name: file for name, file in FILES.items() if name.endswith(".js")}


@pytest.fixture
def browser() -> StubTreq:
    """Something that asks for pages."""
    root = Resource()
    add_pages(root)
    return StubTreq(root)


def test_the_first_page_brings_its_rules(browser: StubTreq) -> None:
    """The page at / has a policy that allows neither foreign nor inline scripts."""
    answer = outcome_of(browser.get("http://localhost/"))
    assert answer.code == 200
    headers = answer.headers
    assert headers.getRawHeaders("content-type") == ["text/html; charset=utf-8"]
    assert headers.getRawHeaders("content-security-policy") == [CONTENT_SECURITY_POLICY]
    assert headers.getRawHeaders("x-content-type-options") == ["nosniff"]
    assert headers.getRawHeaders("referrer-policy") == ["no-referrer"]
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_file_is_served(browser: StubTreq, name: str) -> None:
    """Each file comes with its type, and is not sent again while it is the same."""
    answer = outcome_of(browser.get(f"http://localhost/pages/{name}"))
    assert answer.code == 200
    assert outcome_of(answer.content()) == FILES[name].content
    assert answer.headers.getRawHeaders("cache-control") == ["no-cache"]
    (tag,) = answer.headers.getRawHeaders("etag")
    again = outcome_of(
        browser.get(f"http://localhost/pages/{name}", headers={"If-None-Match": tag})
    )
    assert again.code == 304


def test_nothing_else_is_there(browser: StubTreq) -> None:
    """Folders are not listed, and no path leads out of them."""
    for path in (
        "pages",
        "pages/",
        "pages/js/",
        "pages/none.js",
        "pages/style.css/x",
        "pages/../__init__.py",
        "pages/%2e%2e/x",
    ):
        assert outcome_of(browser.get(f"http://localhost/{path}")).code == 404


def test_the_api_stays_where_it_is(street: Street) -> None:
    """A page that does not exist is a problem of the API, told as such."""
    assert Client(street).get("/health/live").status == 200
    assert Client(street).get("/nothing").status == 404


def test_pages_bring_nothing_from_elsewhere() -> None:
    """No address of another server, no inline style, script or handler stands in the files."""
    for name, file in FILES.items():
        text = file.content.decode()
        foreign = re.findall(r"(?:https?:)?//[a-z][\w.]*\.[a-z]+[^\s\"']*", text)
        # Names below .example belong to nobody; they show what could be typed.
        named = {one for one in foreign if ".example/" not in one}
        assert named <= {"http://www.w3.org/2000/svg"}, name
        assert not re.search(r"\bstyle=|<style|javascript:|\bon\w+=\"", text), name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(", text)


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_scripts_import_what_is_there(name: str) -> None:
    """Every import leads to a file, and every imported name is exported there."""
    text = SCRIPTS[name].content.decode()
    for names, source in re.findall(r"import \{([^}]*)\} from \"\./([^\"]+)\"", text):
        other = SCRIPTS[f"js/{source}"].content.decode()
        for word in filter(None, (one.strip() for one in names.split(","))):
            assert re.search(rf"export (?:async )?(?:function|const|class) {word}\b", other), word
            assert len(re.findall(rf"\b{word}\b", text)) > 1, f"{word} is imported for nothing"


def test_scripts_are_small() -> None:
    """No file is longer than somebody likes to read."""
    for name, file in FILES.items():
        assert len(file.content.splitlines()) < 400, name


def test_the_tag_changes_with_the_content() -> None:
    """Two versions of a file never have the same entity tag."""
    one, other = PageFile(b"a", "text/css"), PageFile(b"b", "text/css")
    assert one.etag != other.etag
    assert one.etag.startswith(b'"')
