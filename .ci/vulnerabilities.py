#!/usr/bin/env python3
"""Say which locked dependencies have published vulnerabilities: `.ci/vulnerabilities.py FILE`.

FILE holds requirements with hashes, as `uv export` writes them. pip-audit asks PyPI, or OSV where
PyPI does not know. Both are first asked about a version that is known to be vulnerable: a mirror of
PyPI may answer that it never heard of any package, which looks like good news.

Exits 1 where there is a vulnerability that `.ci/vulnerabilities.toml` does not ignore, or one whose
time there is over; and where nobody could be asked, if CONTEXTWORKER_REQUIRE_AUDIT is 1.
"""

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IGNORED = Path(__file__).with_suffix(".toml")
KNOWN_BAD = "jinja2==2.11.2"  # PYSEC-2021-66
PIP_AUDIT = Path(sys.executable).with_name("pip-audit")
WITHIN_S = 900


@dataclass(frozen=True)
class Ignored:
    """A vulnerability that we live with for now."""

    id: str
    reason: str
    until: dt.date


@dataclass(frozen=True)
class Found:
    """A vulnerability of a dependency."""

    package: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in a line."""
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "not fixed yet"
        return f"{self.package}: {' = '.join(self.ids)}, {fixed}"


def main() -> None:
    """Print what was found; exit 1 where that is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("requirements", type=Path)
    parser.add_argument("--ignored", type=Path, default=IGNORED, help="a TOML file of exceptions")
    parser.add_argument("--osv-url", help="ask this server alone, which speaks as OSV does")
    given = parser.parse_args()
    ignored = read_ignored(given.ignored)
    only = [["osv", "--osv-url", given.osv_url]] if given.osv_url else [["pypi"], ["osv"]]
    service = next((each for each in only if knows(each)), None)
    if service is None:
        print(
            "NOT AUDITED: no service that knows vulnerabilities can be asked from here (PyPI's "
            "JSON API, api.osv.dev); the dependencies may have any"
        )
        problems = ["the audit is required"] if required() else []
    else:
        problems = judged(asked(service, given.requirements), ignored)
    today = dt.datetime.now(dt.UTC).date()
    problems += [
        f"{each.id} was ignored until {each.until} ({each.reason}): look again, then give it "
        f"another day in {given.ignored.name}, or take it out"
        for each in ignored
        if each.until <= today
    ]
    if problems:
        sys.exit("\n".join(f"error: {problem}" for problem in problems))


def required() -> bool:
    """Whether it is an error that nobody can be asked."""
    return os.environ.get("CONTEXTWORKER_REQUIRE_AUDIT") == "1"


def read_ignored(file: Path) -> list[Ignored]:
    """Read the exceptions; each needs its id, its reason and the day to look again."""
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("ignored", [])
    for entry in entries:
        lacking = {"id", "reason", "until"} - {key for key, value in entry.items() if value}
        if lacking or type(entry["until"]) is not dt.date:
            sys.exit(
                f"error: {file.name}: {entry.get('id', 'an entry')} needs an id, a reason, and in "
                "`until` a day, such as 2027-01-31"
            )
    return [Ignored(each["id"], each["reason"], each["until"]) for each in entries]


def knows(service: Sequence[str]) -> bool:
    """Whether a service knows that a version is bad of which everybody does."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "known-bad.txt"
        file.write_text(f"{KNOWN_BAD}\n", encoding="utf-8")
        report = audit(service, file, "--no-deps")
    return report is not None and any(each.get("vulns") for each in report["dependencies"])


def asked(service: Sequence[str], requirements: Path) -> dict[str, Any]:
    """Return a service's answer about all requirements."""
    report = audit(service, requirements, "--require-hashes")
    if report is None:
        sys.exit(f"error: pip-audit broke off, asking {service[0]}; what it said is above")
    return report


def audit(service: Sequence[str], requirements: Path, *options: str) -> dict[str, Any] | None:
    """Run pip-audit; None where it has no answer."""
    command = [str(PIP_AUDIT), "--requirement", str(requirements), "--disable-pip", *options]
    command += ["--format", "json", "--desc", "off", "--aliases", "on"]
    command += ["--progress-spinner", "off", "--vulnerability-service", *service]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    if not done.stdout.startswith("{"):
        sys.stderr.write("".join(done.stderr.splitlines(keepends=True)[-1:]))
        return None
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def judged(report: dict[str, Any], ignored: Sequence[Ignored]) -> list[str]:
    """Print what there is; return what is wrong."""
    found = [
        Found(
            f"{each['name']} {each['version']}",
            (vulnerability["id"], *vulnerability["aliases"]),
            tuple(vulnerability["fix_versions"]),
        )
        for each in report["dependencies"]
        for vulnerability in each.get("vulns", ())
    ]
    unknown = [each["name"] for each in report["dependencies"] if "skip_reason" in each]
    lived_with = {each.id: each for each in ignored}
    problems = []
    for each in found:
        excepted = [lived_with[known] for known in each.ids if known in lived_with]
        if excepted:
            print(f"ignored until {excepted[0].until}: {each} ({excepted[0].reason})")
        else:
            problems.append(str(each))
    there = {known for each in found for known in each.ids}
    problems += [
        f"{each.id} is ignored, but not there: take it out"
        for each in ignored
        if each.id not in there
    ]
    if unknown:
        print(f"nothing is known of {', '.join(unknown)}")
    looked_up = len(report["dependencies"]) - len(unknown)
    print(f"{looked_up} dependencies looked up, {len(found)} vulnerabilities")
    return problems


if __name__ == "__main__":
    main()
