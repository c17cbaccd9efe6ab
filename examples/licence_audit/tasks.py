"""Activities of the licence audit: what is installed here, under which licences, and does a policy allow it.

They read the environment that the worker itself runs in, and they need nothing but the standard
library and temporalio. All are safe to run again: three only read, the report replaces its file whole.
"""

import base64
import csv
import fnmatch
import hashlib
import importlib.metadata
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from temporalio import activity
from temporalio.exceptions import ApplicationError

Verdict = Literal["allowed", "review", "denied"]


@dataclass(frozen=True)
class Package:
    """One installed distribution.

    Attributes:
        licence: An SPDX expression, or None where none can be derived.
        stated: The words that the package itself uses, cut to 200 characters.
        source: The metadata field that named the licence.
        size_bytes: Bytes on disk of the files that the package installed.
        altered: How many files differ from what was installed; the licence speaks of the unaltered ones.
        dependencies: Names required without any extra; other markers are not evaluated.
        problem: Why the package could not be read, or not whole.
    """

    name: str
    version: str | None = None
    licence: str | None = None
    stated: str = ""
    source: str | None = None
    size_bytes: int = 0
    files: int = 0
    altered: int = 0
    dependencies: list[str] = field(default_factory=list)
    problem: str | None = None


@dataclass(frozen=True)
class Offender:
    """A package that the policy does not allow, and why."""

    name: str
    version: str | None
    licence: str | None
    stated: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Classification:
    """Packages per verdict and per licence, and the offenders: the denied ones first, then by name."""

    counts: dict[str, int]
    licences: dict[str, int]
    offenders: list[Offender]


@dataclass(frozen=True)
class ReportRequest:
    """What the report says, and where it goes: `folder` (the temporary one for None) / `name`.md."""

    name: str
    packages: list[Package]
    classification: Classification
    policy: Any
    verdict: str
    decision: dict[str, Any] | None = None
    folder: str | None = None


@dataclass(frozen=True)
class Report:
    """Where the report is, and what it counts."""

    path: str
    packages: int
    offenders: int


@activity.defn(name="list_distributions")
def list_distributions(names: list[str] | None, group: str | None, batch_size: int) -> list[list[str]]:
    """List the installed distributions by name, in batches.

    Args:
        names: Only these, installed or not; None means all that are installed.
        group: Only names that start with one of these letters, as `a-f` or `abc`.
        batch_size: Names per batch, at least 1.

    Raises:
        ApplicationError: BAD_INPUT for a group or batch size that is none.
    """
    if batch_size < 1:
        raise _refused("BAD_INPUT", f"batch_size is {batch_size}; at least 1 is needed")
    if group is not None and not re.fullmatch(r"([a-z0-9](-[a-z0-9])?)+", group):
        raise _refused("BAD_INPUT", f"group {group!r} is none; write a-f or abc")
    found: dict[str, str] = {}
    for name in names if names is not None else _installed_names():
        found.setdefault(_canonical_name(name), name)
    chosen = [found[key] for key in sorted(found) if group is None or fnmatch.fnmatchcase(key, f"[{group}]*")]
    return [chosen[start : start + batch_size] for start in range(0, len(chosen), batch_size)]


@activity.defn(name="read_distributions")
def read_distributions(names: list[str]) -> list[Package]:
    """Read licence, size and dependencies of each, and compare its files with what was installed.

    A package that cannot be read comes back with its problem; it never fails the others.
    """
    return [_read_package(name) for name in names]


@activity.defn(name="classify_licences")
def classify_licences(packages: list[Package], policy: Any) -> Classification:
    """Judge every package by the policy.

    Args:
        packages: As `read_distributions` gives them.
        policy: `{allowed: [..], denied: [..], unknown: allow|deny|review}`. Entries are licences in any
            usual spelling, or patterns such as `GPL-*`. An exact entry beats a pattern, and denied beats
            allowed. `unknown` judges what no entry names and what states no licence.

    Raises:
        ApplicationError: BAD_POLICY when the policy is none.
    """
    rules = Policy.parse(policy)
    counts: Counter[str] = Counter({"allowed": 0, "denied": 0, "review": 0})
    offenders = []
    for package in packages:
        verdict, reason = rules.judge(package.licence)
        counts[verdict] += 1
        if verdict != "allowed":
            offenders.append(Offender(package.name, package.version, package.licence, package.stated, verdict, reason))
    offenders.sort(key=lambda one: (one.verdict != "denied", _canonical_name(one.name)))
    licences = Counter(package.licence or "unknown" for package in packages)
    return Classification(dict(counts), dict(sorted(licences.items())), offenders)


@activity.defn(name="write_licence_report")
def write_licence_report(request: ReportRequest) -> Report:
    """Write the report as Markdown; a reader sees the old file or the new one, never a part.

    Raises:
        ApplicationError: BAD_INPUT for a name that is no file name; REPORT_UNWRITABLE, which is tried again.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]*", request.name):
        raise _refused("BAD_INPUT", f"{request.name!r} is no name for a report")
    folder = Path(request.folder or tempfile.gettempdir()).expanduser().resolve()
    path = folder / f"{request.name}.md"
    partial = folder / f".{request.name}.{uuid4().hex}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes("".join(f"{line}\n" for line in _report_lines(request)).encode("utf-8", "replace"))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ApplicationError(f"cannot write {path}: {error}", type="REPORT_UNWRITABLE") from error
    return Report(str(path), len(request.packages), len(request.classification.offenders))


def _refused(code: str, message: str) -> ApplicationError:
    return ApplicationError(message, type=code, non_retryable=True)


# --- reading packages -------------------------------------------------------------------------------

_BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, csv.Error)
"""What `importlib.metadata` raises, by Python version, on metadata that are missing or damaged."""


def _canonical_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed_names() -> Iterator[str]:
    for distribution in importlib.metadata.distributions():
        try:
            name = _first(distribution.metadata, "Name")
        except _BROKEN:
            name = None
        # Without metadata only the folder still has the name, and nothing public tells the folder.
        folder = getattr(distribution, "_path", None)
        if name or folder is not None:
            yield name or Path(str(folder)).name.split("-")[0].removesuffix(".egg")


def _first(metadata: importlib.metadata.PackageMetadata, key: str) -> str | None:
    return next((str(value) for value in metadata.get_all(key) or []), None)


def _read_package(name: str) -> Package:
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return Package(name, problem="not installed")
    except _BROKEN as error:
        return Package(name, problem=f"unreadable: {error!r}"[:200])
    problem = None
    size = files = altered = 0
    try:
        for path, stated_hash in _files(distribution):
            files += 1
            size += path.stat().st_size
            altered += stated_hash is not None and not _matches(path, stated_hash)
    except _BROKEN as error:
        problem = f"file list unreadable: {error!r}"[:200]
    try:
        metadata = distribution.metadata
        stated_name, version = _first(metadata, "Name") or name, _first(metadata, "Version")
        fields = {key: [str(value) for value in metadata.get_all(key) or []] for key in _LICENCE_FIELDS}
        dependencies = _dependencies(metadata.get_all("Requires-Dist") or [])
    except _BROKEN as error:
        return Package(
            name, size_bytes=size, files=files, altered=altered, problem=f"metadata unreadable: {error!r}"[:200]
        )
    if not len(metadata):
        problem = problem or "metadata empty"
    licence, stated, source = _licence(fields)
    return Package(stated_name, version, licence, stated, source, size, files, altered, dependencies, problem)


def _files(distribution: importlib.metadata.Distribution) -> Iterator[tuple[Path, importlib.metadata.FileHash | None]]:
    for file in distribution.files or []:
        path = Path(str(file.locate()))
        if path.is_file():
            yield path, file.hash


def _matches(path: Path, stated: importlib.metadata.FileHash) -> bool:
    if stated.mode not in {"sha256", "sha384", "sha512"}:
        return True
    with path.open("rb") as stream:
        actual = hashlib.file_digest(stream, stated.mode).digest()
    return base64.urlsafe_b64encode(actual).rstrip(b"=").decode() == stated.value.rstrip("=")


def _dependencies(requirements: list[str]) -> list[str]:
    names = set()
    for requirement in requirements:
        wanted, _, marker = requirement.partition(";")
        match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", wanted)
        if match and not re.search(r"\bextra\b", marker):
            names.add(_canonical_name(match[1]))
    return sorted(names)


_LICENCE_FIELDS = ("License-Expression", "License", "Classifier")


def _licence(fields: dict[str, list[str]]) -> tuple[str | None, str, str | None]:
    """The SPDX expression, the words it comes from and their field: the most exact field that gives one."""
    expressions = [text.strip() for text in fields["License-Expression"] if text.strip()]
    free = [text.strip() for text in fields["License"] if text.strip() and text.strip().upper() != "UNKNOWN"]
    titles = [_title(text) for text in free]
    classifiers = [text.split("::")[-1].strip() for text in fields["Classifier"] if text.startswith("License ::")]
    classifiers = [text for text in classifiers if text not in {"OSI Approved", "DFSG approved"}]
    stated = (expressions + titles + classifiers + [""])[0][:200]
    for text in expressions:
        if licence := _expression(text, strict=True):
            return licence, text[:200], "License-Expression"
    for text in titles:
        if licence := _expression(text):
            return licence, text[:200], "License"
    # Several classifiers leave open whether one may choose; asking for all of them errs on the safe side.
    parts = [_identifier(text) for text in dict.fromkeys(classifiers)]
    if parts and all(parts):
        return " AND ".join(dict.fromkeys(filter(None, parts))), ", ".join(classifiers)[:200], "Classifier"
    return None, stated, None


def _title(text: str) -> str:
    """The name in a field that may hold the whole text of a licence: its first line, and its version's."""
    first, *rest = [line.strip() for line in text.splitlines() if line.strip()]
    version = rest[0].partition(",")[0] if rest and rest[0].lower().startswith("version ") else ""
    return f"{first} {version}".strip()


# --- naming licences --------------------------------------------------------------------------------

_SPDX_IDS = """
0BSD AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0
BlueOak-1.0.0 CC-BY-4.0 CC-BY-SA-4.0 CC0-1.0 CECILL-2.1 CDDL-1.0 CNRI-Python EPL-1.0 EPL-2.0 EUPL-1.2 GPL-1.0-only
GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND ISC LGPL-2.0-only LGPL-2.0-or-later
LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later MIT MIT-0 MIT-CMU MPL-1.1 MPL-2.0 MS-PL MulanPSL-2.0
NCSA OFL-1.1 PSF-2.0 PostgreSQL Python-2.0 UPL-1.0 Unicode-3.0 Unlicense W3C WTFPL X11 ZPL-2.1 Zlib
"""

# "BSD" and "Apache" alone name families. Almost every package that says no more means the licence given
# here; the report shows the package's own words beside it.
_SPELLINGS = {
    "Apache-2.0": ("Apache", "ASL 2.0", "Apache Foundation 2.0"),
    "BSD-2-Clause": ("2-Clause BSD", "BSD 2", "Simplified BSD", "FreeBSD"),
    "BSD-3-Clause": ("BSD", "3-Clause BSD", "BSD 3", "New BSD", "Modified BSD", "Revised BSD", "BSD style"),
    "BSL-1.0": ("Boost", "Boost 1.0"),
    "CC0-1.0": (
        "CC0",
        "CC0 1.0 Universal",
        "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication",
        "Creative Commons Zero",
    ),
    "EPL-2.0": ("Eclipse Public 2.0",),
    "EUPL-1.2": ("European Union Public 1.2",),
    "HPND": ("Historical Permission Notice and Disclaimer",),
    "ISC": ("ISCL",),
    "MIT": ("Expat", "MIT/Expat"),
    "MIT-0": ("MIT No Attribution",),
    "MPL-1.1": ("Mozilla Public 1.1",),
    "MPL-2.0": ("MPL 2", "Mozilla Public 2.0"),
    "OFL-1.1": ("SIL Open Font 1.1",),
    "PSF-2.0": ("PSF", "PSFL", "Python Foundation"),
    "UPL-1.0": ("Universal Permissive",),
    "ZPL-2.1": ("Zope Public", "ZPL 2.1", "Zope Public 2.1"),
    "Zlib": ("zlib/libpng",),
}

_OPERATORS = re.compile(r"(\(|\)|(?<![\w.+-])(?:and|or)(?![\w.+-]|\s+(?:later|newer|above|any)\b))", re.IGNORECASE)
"""Splits an expression; the "or" of "version 3 or later" is part of a name."""

_WORD = re.compile(r"""[^\W\d_]+|\d+(?:\.\d+)*|[^\w\s.,;:'"/-]""")
"""A word, a number, or a sign that may change the meaning."""


def _words(text: str) -> str:
    """A spelling reduced to what tells licences apart: "The Apache License, Version 2.0" → "apache 2"."""
    text = re.sub(r"\b(?:the|licen[cs]ed?|software|version|under|terms|of)\b", " ", text.lower())
    text = re.sub(r"v\.?\s*(?=\d)", " ", text)
    return " ".join(re.sub(r"^(\d+)\.0$", r"\1", word) for word in _WORD.findall(text))


_KNOWN = {_words(text): spdx for spdx in _SPDX_IDS.split() for text in (spdx, *_SPELLINGS.get(spdx, ()))}
_GNU_FAMILIES = {"gpl": "GPL", "lgpl": "LGPL", "lesser": "LGPL", "library": "LGPL", "agpl": "AGPL", "affero": "AGPL"}
_GNU_LATER = {"+", "later", "newer", "above", "any"}
_GNU_WORDS = {*_GNU_FAMILIES, *_GNU_LATER, "gnu", "general", "public", "only", "or", "1", "2", "2.1", "3"}
_GNU_VERSIONS = {"GPL": ("1", "2", "3"), "LGPL": ("2", "2.1", "3"), "AGPL": ("3",)}


def _identifier(text: str, *, strict: bool = False) -> str | None:
    """One licence's SPDX id, with its exception if it has one; None when none can be derived.

    In a strict expression (PEP 639) an id that this file does not know is taken at its word.
    """
    base, *exception = re.split(r"\s+with\s+", text.strip(), maxsplit=1, flags=re.IGNORECASE)
    if exception and not re.fullmatch(
        r"[\w.-]+" if strict else r"[\w.-]*exception[\w.-]*", exception[0], re.IGNORECASE
    ):
        return None
    spellings = [base]
    if (aside := re.fullmatch(r"([^(]+)\(([^()]*)\)", base)) and not _OPERATORS.search(aside[2]):
        # "BSD (2-clause)" needs its aside, "MIT License (MIT)" repeats itself in it.
        spellings = [f"{aside[1]} {aside[2]}", aside[1]]
    known = next(filter(None, (_KNOWN.get(_words(text)) or _gnu(_words(text).split()) for text in spellings)), None)
    if known is None and strict and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.:-]*\+?", base):
        known = base
    return " WITH ".join([known, *exception]) if known else None


def _gnu(words: list[str]) -> str | None:
    if not _GNU_WORDS.issuperset(words):
        return None
    named = {family for word, family in _GNU_FAMILIES.items() if word in words}
    if not named and {"general", "public"}.issubset(words):
        named = {"GPL"}
    if len(named) != 1 or len(set(words)) < len(words):
        return None
    family = named.pop()
    versions = [word for word in words if word[0].isdigit()]
    if not versions:
        # The licences themselves say so: who names no version allows any.
        return f"{family}-{_GNU_VERSIONS[family][0]}.0-or-later"
    if len(versions) > 1 or versions[0] not in _GNU_VERSIONS[family]:
        return None
    number = versions[0] if "." in versions[0] else f"{versions[0]}.0"
    return f"{family}-{number}-{'only' if _GNU_LATER.isdisjoint(words) else 'or-later'}"


def _expression(text: str, *, strict: bool = False) -> str | None:
    """An SPDX expression from a package's words; None when any part of it is unknown."""
    if len(text) > 500:
        return None
    if whole := _identifier(text):
        return whole
    tokens = []
    for token in _tokens(text if strict else text.replace("/", " OR ")):
        part = token.upper() if token in "()" or token.upper() in _PRECEDENCE else _identifier(token, strict=strict)
        if part is None:
            return None
        tokens.append(part)
    expression = " ".join(tokens).replace("( ", "(").replace(" )", ")")
    try:
        _evaluate(expression, lambda _: 0)
    except ValueError:
        return None
    return expression


# --- judging licences -------------------------------------------------------------------------------

_PRECEDENCE = {"OR": 1, "AND": 2}
_SEVERITY: tuple[Verdict, ...] = ("allowed", "review", "denied")
_UNKNOWN: dict[str, Verdict] = {"allow": "allowed", "review": "review", "deny": "denied"}


def _tokens(expression: str) -> list[str]:
    return [token.strip() for token in _OPERATORS.split(expression) if token.strip()]


def _evaluate(expression: str, severity: Callable[[str], int]) -> int:
    """Severity of an expression: of OR the mildest side, because one may choose; of AND the gravest.

    Raises:
        ValueError: The expression is malformed.
    """
    values: list[int] = []
    operators: list[str] = []

    def apply() -> None:
        right, left = values.pop(), values.pop()
        values.append(min(left, right) if operators.pop() == "OR" else max(left, right))

    operand_next = True
    for token in _tokens(expression):
        operator = token.upper()
        if operand_next != (token == "(" or (token != ")" and operator not in _PRECEDENCE)):
            raise ValueError(f"unexpected {token!r}")
        if token == "(":
            operators.append(token)
        elif token == ")":
            while operators and operators[-1] != "(":
                apply()
            if not operators:
                raise ValueError("unbalanced parenthesis")
            operators.pop()
        elif operator in _PRECEDENCE:
            while operators and operators[-1] != "(" and _PRECEDENCE[operators[-1]] >= _PRECEDENCE[operator]:
                apply()
            operators.append(operator)
            operand_next = True
        else:
            values.append(severity(token))
            operand_next = False
    if operand_next or "(" in operators:
        raise ValueError("incomplete expression")
    while operators:
        apply()
    return values[0]


@dataclass(frozen=True)
class Policy:
    """Which licences are welcome; entries in lower case, those with a `*` are patterns."""

    allowed: frozenset[str]
    denied: frozenset[str]
    unknown: Verdict

    @classmethod
    def parse(cls, value: Any) -> "Policy":
        """Read a policy, or raise BAD_POLICY saying what is wrong with it."""
        if not isinstance(value, dict) or not value.keys() <= {"allowed", "denied", "unknown"}:
            raise _refused("BAD_POLICY", "a policy is an object of allowed, denied and unknown")
        entries = {}
        for key in ("allowed", "denied"):
            listed = value.get(key, [])
            if not isinstance(listed, list) or not all(isinstance(entry, str) and entry.strip() for entry in listed):
                raise _refused("BAD_POLICY", f"{key} is a list of licences")
            entries[key] = frozenset((_identifier(entry) or entry.strip()).lower() for entry in listed)
        unknown = value.get("unknown", "review")
        if not isinstance(unknown, str) or unknown not in _UNKNOWN:
            raise _refused("BAD_POLICY", f"unknown is one of {', '.join(_UNKNOWN)}")
        return cls(entries["allowed"], entries["denied"], _UNKNOWN[unknown])

    def judge(self, licence: str | None) -> tuple[Verdict, str]:
        """The verdict on an SPDX expression, and the reason in words."""
        if licence is None:
            return self.unknown, "no licence could be derived"
        try:
            grade = _evaluate(licence, lambda one: _SEVERITY.index(self._judge_one(one) or self.unknown))
        except ValueError as error:
            return self.unknown, f"no licence expression: {error}"
        parts = [token for token in _tokens(licence) if token not in "()" and token not in _PRECEDENCE]
        denied = [part for part in parts if self._judge_one(part) == "denied"]
        unlisted = [part for part in parts if self._judge_one(part) is None]
        reasons = [f"denied: {', '.join(denied)}"] if denied else []
        reasons += [f"not listed: {', '.join(unlisted)}"] if unlisted else []
        return _SEVERITY[grade], "; ".join(reasons)

    def _judge_one(self, licence: str) -> Verdict | None:
        # An exception only adds permissions, and "or later" includes the version itself: what holds
        # for the bare licence holds for these, unless the policy names them.
        names = [licence.lower()]
        names.append(names[0].partition(" with ")[0])
        names.append(names[1].removesuffix("+").replace("-or-later", "-only"))
        for name in names:
            if name in self.denied:
                return "denied"
            if name in self.allowed:
                return "allowed"
        for name in names:
            if any(fnmatch.fnmatchcase(name, entry) for entry in self.denied if "*" in entry):
                return "denied"
            if any(fnmatch.fnmatchcase(name, entry) for entry in self.allowed if "*" in entry):
                return "allowed"
        return None


# --- the report -------------------------------------------------------------------------------------


def _cell(text: object) -> str:
    return re.sub(r"\s+", " ", "" if text is None else str(text)).strip()[:120].replace("|", "\\|").replace("<", "&lt;")


def _report_lines(request: ReportRequest) -> Iterator[str]:
    result = request.classification
    yield "# Licence audit"
    yield ""
    yield f"Verdict: **{_cell(request.verdict)}**"
    if request.decision is not None:
        by, reason = _cell(request.decision.get("actor")), _cell(request.decision.get("reason"))
        yield f"Decided by {by or 'unknown'}{': ' + reason if reason else ''}"
    yield ""
    yield (
        f"{len(request.packages)} packages, {sum(one.size_bytes for one in request.packages) / 1_000_000:.1f} MB: "
        + (", ".join(f"{count} {verdict}" for verdict, count in result.counts.items()))
    )
    yield ""
    yield f"Policy: `{json.dumps(request.policy)}`"
    yield ""
    row: tuple[object, ...]
    if result.offenders:
        yield "## Not allowed"
        yield ""
        yield "| package | version | licence | stated as | verdict | reason |"
        yield "|---|---|---|---|---|---|"
        for one in result.offenders:
            row = (one.name, one.version, one.licence or "unknown", one.stated, one.verdict, one.reason)
            yield f"| {' | '.join(map(_cell, row))} |"
        yield ""
    yield "## Packages"
    yield ""
    yield "| package | version | licence | stated as | kB | altered files | depends on | problem |"
    yield "|---|---|---|---|---:|---:|---|---|"
    for package in request.packages:
        row = (
            package.name,
            package.version,
            package.licence or "unknown",
            package.stated,
            package.size_bytes // 1000,
            package.altered,
            ", ".join(package.dependencies),
            package.problem,
        )
        yield f"| {' | '.join(map(_cell, row))} |"
