"""Known vulnerabilities of what we run on, as far as they can be looked up: `make audit`.

pip-audit says nothing of a package that its source of advisories does not know, and a machine without the internet
knows none: a clean answer is worth as much as the number of packages that were looked at, so that is printed too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

COMMAND = [
    *(sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--requirement", "requirements/run.lock"),
    *("--format", "json", "--timeout", "10", "--progress-spinner", "off"),
]


def main() -> int:
    """Print what is known of the packages of the run lock. Returns 1 if one is known to be vulnerable."""
    try:
        found = subprocess.run(COMMAND, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603
        packages = json.loads(found.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        sys.stdout.write("audit: no source of advisories can be reached from here; nothing was looked up\n")
        return 0
    lines = report(packages)
    sys.stdout.write("".join(f"audit: {line}\n" for line in lines))
    return 1 if len(lines) > 1 else 0


def report(packages: list[dict[str, Any]]) -> list[str]:
    """Return how many packages were looked up, then a line for each advisory, from pip-audit's list of packages."""
    seen = [one for one in packages if "skip_reason" not in one]
    advisories = [
        f"{one['name']} {one['version']}: {advisory['id']}, mended in {', '.join(advisory['fix_versions']) or 'none'}"
        for one in seen
        for advisory in one["vulns"]
    ]
    return [f"{len(seen)} of {len(packages)} packages looked up", *advisories]


if __name__ == "__main__":
    sys.exit(main())
