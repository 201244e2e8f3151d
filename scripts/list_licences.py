"""Print the licence of every dependency, as its installed package states it, for docs/licences.md.

    python scripts/list_licences.py

`closure` also follows what the dependencies need themselves; a test sees to it that nothing in the base is under a
licence that would reach this project (GPL, AGPL).
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"

SHORT = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "GNU Affero General Public License v3": "AGPL-3.0",
    "GNU General Public License (GPL)": "GPL",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""Names of classifiers, shorter."""


def direct() -> dict[str, list[Requirement]]:
    """Part of the installation ("base", or the name of an extra) -> what pyproject.toml says that it needs."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    parts = {"base": project["dependencies"], **project["optional-dependencies"]}
    return {part: [Requirement(line) for line in lines] for part, lines in parts.items()}


def licence(name: str) -> str:
    """Licence of an installed package: its SPDX expression, its classifiers, or the first line that it states."""
    found = metadata(name)
    expression = found.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [
        line.rsplit(" :: ", 1)[1] for line in found.get_all("Classifier") or [] if line.startswith("License")
    ]
    classifiers = [SHORT.get(one, one) for one in classifiers if one != "OSI Approved"]
    if classifiers:
        return " or ".join(dict.fromkeys(classifiers))
    return next((line.strip() for line in (found.get("License") or "").splitlines() if line.strip()), "not stated")


def closure(wanted: Iterable[Requirement]) -> set[str]:
    """Names of the installed packages that the wanted ones need, and they themselves."""
    names: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(one, extra) for one in wanted for extra in ("", *one.extras)]
    while waiting:
        one, extra = waiting.pop()
        name = canonicalize_name(one.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            needed = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:
            continue  # needed only elsewhere, or not installed
        names.add(name)
        fitting = [need for need in needed if need.marker is None or need.marker.evaluate({"extra": extra})]
        waiting += [(need, more) for need in fitting for more in ("", *need.extras)]
    return names


def is_strong_copyleft(stated: str) -> bool:
    """Whether every licence that may be chosen is GPL or AGPL."""
    choices = re.split(r"\s+or\s+", stated, flags=re.IGNORECASE)
    return all(re.search(r"(?<![Ll])GPL|GNU (Affero )?General Public", choice) for choice in choices)


def table() -> list[str]:
    """Lines of a Markdown table: package, part of the installation, licence."""
    parts: dict[str, list[str]] = {}
    for part, wanted in direct().items():
        for one in wanted:
            parts.setdefault(one.name, []).append(part)
    rows = []
    for name in sorted(parts, key=str.lower):
        try:
            stated = licence(name)
        except PackageNotFoundError:
            stated = "not installed here"
        rows.append(f"| {name} | {', '.join(dict.fromkeys(parts[name]))} | {stated} |")
    return ["| package | part | licence |", "|---|---|---|", *rows]


if __name__ == "__main__":
    print("\n".join(table()))
