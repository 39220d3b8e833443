"""What we run on is pinned by digest, told in an SBOM, and watched; and no secret is committed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checks.audit import report
from config import ROOT

LOCKS = ("run.lock", "dev.lock")
# In two parts, so that this file itself holds no key.
PLANTED = "AKIA" + "QYLPMN5HHHFPZAM2"


def locked(name: str) -> dict[str, str]:
    """{package: all that its entry says} of a lock."""
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements" / name).read_text())
    return {entry.partition("==")[0]: entry for entry in entries if "==" in entry}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_locked_to_one_version_and_its_digests(name: str) -> None:
    entries = locked(name)
    assert len(entries) > 40
    pinned = re.compile(r"[a-z0-9-]+==[\w.]+( \\\n    --hash=sha256:[0-9a-f]{64})+(\s*#.*)*\s*")
    assert [package for package, entry in entries.items() if not pinned.fullmatch(entry)] == []


def test_what_is_run_is_what_is_tested() -> None:
    run, dev = (locked(name) for name in LOCKS)
    version = re.compile(r"==([\w.]+)")
    differing = [one for one in run if version.findall(run[one]) != version.findall(dev.get(one, ""))]
    assert differing == []


def test_every_package_of_javascript_is_locked_to_its_digest() -> None:
    packages = json.loads((ROOT / "tests/ical_reader/package-lock.json").read_text())["packages"]
    assert [name for name, one in packages.items() if name and not one["integrity"].startswith("sha512-")] == []


def test_the_sbom_tells_what_we_run_on(tmp_path: Path) -> None:
    told = tmp_path / "sbom.json"
    subprocess.run(["make", "--no-print-directory", "sbom", f"SBOM={told}"], cwd=ROOT, check=True, capture_output=True)
    sbom = json.loads(told.read_text())
    assert sbom["bomFormat"] == "CycloneDX"
    assert {one["name"] for one in sbom["components"]} == set(locked("run.lock"))


def test_an_advisory_is_told_and_so_is_how_many_packages_were_looked_up() -> None:
    advisory = {"id": "PYSEC-2030-1", "fix_versions": ["1.1"]}
    packages = [
        {"name": "sound", "version": "2.0", "vulns": []},
        {"name": "broken", "version": "1.0", "vulns": [advisory]},
        {"name": "unknown", "skip_reason": "nobody knows it"},
    ]
    assert report(packages) == ["2 of 3 packages looked up", "broken 1.0: PYSEC-2030-1, mended in 1.1"]


def test_a_secret_that_is_about_to_be_committed_is_found(tmp_path: Path) -> None:
    file = tmp_path / "settings.py"
    hook = [str(Path(sys.executable).with_name("detect-secrets-hook")), str(file)]
    file.write_text(f'region = "eu"\nkey = "{PLANTED}"\n')
    assert subprocess.run(hook, cwd=tmp_path, capture_output=True, check=False).returncode == 1
    file.write_text('region = "eu"\n')
    assert subprocess.run(hook, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_what_bandit_is_told_to_leave_has_a_reason() -> None:
    lines = [
        line
        for folder in ("checks", "deploy", "migrations", "registration")
        for file in (ROOT / folder).rglob("*.py")
        for line in file.read_text().splitlines()
        if "nosec" in line
    ]
    assert lines
    assert [line for line in lines if not re.search(r"# nosec B\d{3} # \w", line)] == []
