"""Which numbered rule is shown by which tests, and which test follows which official test case of
central systems: prints the holes, writes docs/conformance.md.

python tests/conformance/table.py            print the rules and cases without a test
python tests/conformance/table.py --write    and write docs/conformance.md
python tests/conformance/table.py --check    fail if there is a hole or the page is out of date
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "conformance.md"
DUTIES = {"cp": "charge point", "cs": "central system", "both": "both"}
NAMES_SHOWN = 3


@dataclass(frozen=True)
class Rule:
    """One numbered rule."""

    id: str
    duty: str
    about: str
    chapter: str


def read_rules(text: str) -> list[Rule]:
    """The rules of rules.txt, in its order."""
    rules = []
    chapter = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("= "):
            chapter = line[2:]
        elif line.strip() and not line.startswith("#"):
            name, duty, about = line.split(" ", 2)
            if duty not in DUTIES:
                raise ValueError(f"rules.txt line {number}: duty {duty!r}")
            rules.append(Rule(name, duty, about, chapter))
    return rules


def read_reasons(text: str) -> dict[str, str]:
    """Rule id to the reason why no test shows it."""
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {name.strip(): reason.strip() for name, reason in (s.split(":", 1) for s in lines)}


@dataclass(frozen=True)
class Case:
    """One official test case of central systems."""

    number: str
    about: str


def read_cases(text: str) -> list[Case]:
    """The cases of cases.txt, in its order."""
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [Case(*line.split(" ", 1)) for line in lines]


class Collector:
    """A pytest plugin that notes which test shows which rule, or follows which case."""

    def __init__(self) -> None:
        self.tests: dict[str, set[str]] = defaultdict(set)
        self.cases: dict[str, set[str]] = defaultdict(set)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called once all tests are known."""
        for item in session.items:
            place = item.nodeid.split("[")[0]
            for name, found in (("rule", self.tests), ("case", self.cases)):
                for mark in item.iter_markers(name):
                    for number in mark.args:
                        found[number].add(place)


def collect() -> Collector:
    """Which tests show which rules and follow which cases."""
    collector = Collector()
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet):
        status = pytest.main(
            ["--collect-only", "-q", "-p", "no:cacheprovider", str(ROOT / "tests")],
            plugins=[collector],
        )
    if status != pytest.ExitCode.OK:
        raise SystemExit(f"the tests cannot be collected:\n{quiet.getvalue()[-2000:]}")
    return collector


def page(
    rules: Iterable[Rule],
    tests: Mapping[str, set[str]],
    reasons: Mapping[str, str],
    cases: Iterable[Case] = (),
    followed: Mapping[str, set[str]] | None = None,
) -> str:
    """The page for docs/."""
    rules = list(rules)
    shown = [r for r in rules if tests.get(r.id)]
    lines = [
        "# Conformance",
        "",
        (
            "Each numbered rule of OCPP 1.6 that binds a charge point, a central system or both, "
            "and the tests that show it. Made by `python tests/conformance/table.py --write`."
        ),
        "",
        (
            f"{len(shown)} of {len(rules)} rules are shown by a test; "
            f"{sum(r.id in reasons and not tests.get(r.id) for r in rules)} are explained instead."
        ),
    ]
    chapter = ""
    for rule in rules:
        if rule.chapter != chapter:
            chapter = rule.chapter
            lines += ["", f"## {chapter}", "", "| Rule | Binds | About | Shown by |"]
            lines += ["| --- | --- | --- | --- |"]
        lines.append(
            f"| {rule.id} | {DUTIES[rule.duty]} | {rule.about} | "
            f"{_evidence(rule, tests.get(rule.id, set()), reasons)} |"
        )
    lines += _case_lines(list(cases), followed or {})
    return "\n".join(lines) + "\n"


def _case_lines(cases: list[Case], followed: Mapping[str, set[str]]) -> list[str]:
    told = sum(bool(followed.get(case.number)) for case in cases)
    lines = [
        "",
        "## Official test cases of central systems",
        "",
        (
            f"{told} of {len(cases)} cases are followed by a story: the station says and answers "
            "what the case has it say, and whoever operates the central system does their part."
        ),
        "",
        "| Case | About | Followed by |",
        "| --- | --- | --- |",
    ]
    for case in cases:
        names = ", ".join(f"`{_short(name)}`" for name in sorted(followed.get(case.number, ())))
        lines.append(f"| {case.number}_CSMS | {case.about} | {names or '*no story yet*'} |")
    return lines


def _evidence(rule: Rule, tests: set[str], reasons: Mapping[str, str]) -> str:
    if not tests:
        return f"*{reasons.get(rule.id, 'no test yet')}*"
    names = sorted(tests)
    cells = [f"`{_short(name)}`" for name in names[:NAMES_SHOWN]]
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(cells) + more


def _short(nodeid: str) -> str:
    path, _, name = nodeid.partition("::")
    return f"{Path(path).stem}::{name}"


def main(arguments: list[str]) -> int:
    """Collect, print the holes, write or check the page."""
    rules = read_rules((HERE / "rules.txt").read_text())
    reasons = read_reasons((HERE / "reasons.txt").read_text())
    cases = read_cases((HERE / "cases.txt").read_text())
    collected = collect()
    tests, followed = collected.tests, collected.cases
    known = {rule.id for rule in rules}
    unknown = sorted((set(tests) | set(reasons)) - known)
    untold = [case for case in cases if not followed.get(case.number)]
    strange = sorted(set(followed) - {case.number for case in cases})
    holes = [r for r in rules if not tests.get(r.id) and r.id not in reasons]
    for rule in holes:
        print(f"no test: {rule.id:7} {DUTIES[rule.duty]:14} {rule.about}")
    for rule_id in unknown:
        print(
            f"no such rule: {rule_id} (named by {sorted(tests.get(rule_id, ['reasons.txt']))[0]})"
        )
    for case in untold:
        print(f"no story: {case.number:9} {case.about}")
    for number in strange:
        print(f"no such case: {number} (named by {sorted(followed[number])[0]})")
    print(f"{len(rules) - len(holes)} of {len(rules)} rules are shown or explained")
    print(f"{len(cases) - len(untold)} of {len(cases)} cases of central systems are followed")
    text = page(rules, tests, reasons, cases, followed)
    if "--write" in arguments:
        PAGE.write_text(text)
    if not PAGE.exists() or PAGE.read_text() != text:
        print("docs/conformance.md is not of today: write it with --write")
    wrong = bool(unknown or strange)
    return int(wrong or ("--check" in arguments and bool(holes or untold)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
