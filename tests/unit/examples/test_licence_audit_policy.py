"""How the licence audit names licences and judges them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.licence_audit import tasks

Call = Callable[..., Any]
Tree = str | tuple[str, Any, Any]


def judge(call: Call, licence: str | None, **policy: Any) -> tuple[str, str]:
    """Verdict and reason on one package of that licence."""
    package = {"name": "one", "version": "1", "licence": licence, "stated": licence or ""}
    result = call(tasks.classify_licences, [package], {"unknown": "review"} | policy)
    if not result["offenders"]:
        return "allowed", ""
    return result["offenders"][0]["verdict"], result["offenders"][0]["reason"]


@pytest.mark.parametrize(
    ("spelling", "licence"),
    [
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("The MIT License (MIT)", "MIT"),
        ("MIT-0", "MIT-0"),
        ("BSD License", "BSD-3-Clause"),
        ("3-Clause BSD License", "BSD-3-Clause"),
        ("BSD 2-Clause License", "BSD-2-Clause"),
        ("BSD (2-clause)", "BSD-2-Clause"),
        ("GPL (v3)", "GPL-3.0-only"),
        ("Apache 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache Software License", "Apache-2.0"),
        ("apache-2", "Apache-2.0"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("ISC License (ISCL)", "ISC"),
        ("Python Software Foundation License", "PSF-2.0"),
        ("The Unlicense (Unlicense)", "Unlicense"),
        ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"),
        ("zlib/libpng License", "Zlib"),
        ("GPLv3", "GPL-3.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
        ("GNU Lesser General Public License v2.1", "LGPL-2.1-only"),
        ("LGPLv3+", "LGPL-3.0-or-later"),
        ("GNU Affero General Public License v3", "AGPL-3.0-only"),
        ("GPL", "GPL-1.0-or-later"),
        ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
        ("Apache 2.0 or BSD", "Apache-2.0 OR BSD-3-Clause"),
        ("GNU Lesser General Public or GNU General Public License", "LGPL-2.0-or-later OR GPL-1.0-or-later"),
        ("LGPL or GPL", "LGPL-2.0-or-later OR GPL-1.0-or-later"),
        ("MIT AND (Apache-2.0 OR BSD-2-Clause)", "MIT AND (Apache-2.0 OR BSD-2-Clause)"),
        ("GPLv2 with Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ],
)
def test_a_licence_is_known_by_its_usual_spellings(spelling: str, licence: str) -> None:
    fields = {"License-Expression": [], "License": [spelling], "Classifier": []}

    assert tasks._licence(fields) == (licence, spelling, "License")


@pytest.mark.parametrize(
    "text",
    [
        "Proprietary",
        "Dual License",
        "MIT with a clause against evil",
        "MIT (and GPL)",
        "GPL-compatible",
        "GPL >= 2",
        "MIT, не для продажи",
        "GPL 2 and 3",
        "MIT OR",
        "(MIT",
        "MIT) OR (MIT",
        "()",
        "BSD Apache",
        "MIT OR Something-Else",
        "(" * 400 + "MIT" + ")" * 400,
        "MIT " * 1_000,
    ],
)
def test_what_names_no_licence_for_certain_names_none(text: str) -> None:
    fields = {"License-Expression": [], "License": [text], "Classifier": []}

    assert tasks._licence(fields)[0] is None


def test_the_most_exact_field_wins_and_prose_gives_way_to_classifiers() -> None:
    classifiers = ["License :: OSI Approved", "License :: OSI Approved :: MIT License", "Topic :: Utilities"]

    exact = {"License-Expression": ["Apache-2.0"], "License": ["BSD"], "Classifier": classifiers}
    prose = {"License-Expression": [], "License": ["see the file"], "Classifier": classifiers}
    unknown = {"License-Expression": [], "License": ["UNKNOWN"], "Classifier": []}

    assert tasks._licence(exact) == ("Apache-2.0", "Apache-2.0", "License-Expression")
    assert tasks._licence(prose) == ("MIT", "MIT License", "Classifier")
    assert tasks._licence(unknown) == (None, "", None)


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("MIT License\n\nCopyright (c) the authors\n\nPermission is hereby granted or not", "MIT"),
        ("  GNU GENERAL PUBLIC LICENSE\n  Version 3, 29 June 2007\n\nEveryone may copy", "GPL-3.0-only"),
        ("Apache License\nVersion 2.0, January 2004\n", "Apache-2.0"),
    ],
)
def test_a_whole_text_in_the_field_is_known_by_its_title(text: str, licence: str) -> None:
    assert tasks._licence({"License-Expression": [], "License": [text], "Classifier": []})[0] == licence


def test_several_classifiers_must_all_be_acceptable() -> None:
    classifiers = ["License :: OSI Approved :: MIT License", "License :: OSI Approved :: BSD License"]

    licence = tasks._licence({"License-Expression": [], "License": [], "Classifier": classifiers})[0]

    assert licence == "MIT AND BSD-3-Clause"


def test_an_expression_of_ids_nobody_here_knows_is_taken_at_its_word() -> None:
    fields = {"License-Expression": ["LicenseRef-Own and-more OR MIT"], "License": [], "Classifier": []}
    known = {"License-Expression": ["LicenseRef-this-or-that or mit"], "License": [], "Classifier": []}

    assert tasks._licence(fields)[0] is None
    assert tasks._licence(known)[0] == "LicenseRef-this-or-that OR MIT"


@pytest.mark.parametrize(
    ("licence", "verdict"),
    [
        ("MIT", "allowed"),
        ("GPL-3.0-only", "denied"),
        ("ISC", "review"),
        (None, "review"),
        ("MIT OR GPL-3.0-only", "allowed"),
        ("MIT AND GPL-3.0-only", "denied"),
        ("MIT AND ISC", "review"),
        ("GPL-3.0-only OR ISC", "review"),
        ("MIT OR ISC AND GPL-3.0-only", "allowed"),
        ("(MIT OR ISC) AND GPL-3.0-only", "denied"),
        ("GPL-3.0-only AND ISC OR MIT AND MIT", "allowed"),
    ],
)
def test_one_side_of_or_is_enough_and_both_of_and_are_needed(call: Call, licence: str | None, verdict: str) -> None:
    assert judge(call, licence, allowed=["MIT"], denied=["GPL-*"])[0] == verdict


@given(
    st.recursive(
        st.sampled_from(["MIT", "ISC", "Zlib"]),
        lambda inner: st.tuples(st.sampled_from(["AND", "OR"]), inner, inner),
        max_leaves=12,
    )
)
def test_any_expression_means_what_its_tree_means(tree: Tree) -> None:
    grades = {"MIT": 0, "ISC": 1, "Zlib": 2}

    def text(node: Tree) -> str:
        return node if isinstance(node, str) else f"({text(node[1])} {node[0]} {text(node[2])})"

    def grade(node: Tree) -> int:
        if isinstance(node, str):
            return grades[node]
        return (max if node[0] == "AND" else min)(grade(node[1]), grade(node[2]))

    policy = tasks.Policy.parse({"allowed": ["MIT"], "denied": ["Zlib"], "unknown": "review"})
    expression = tasks._expression(text(tree))

    assert expression is not None
    assert policy.judge(expression)[0] == ["allowed", "review", "denied"][grade(tree)]


def test_an_expression_that_is_none_counts_as_unknown(call: Call) -> None:
    verdict, reason = judge(call, "MIT OR", allowed=["MIT"], unknown="deny")

    assert verdict == "denied"
    assert "no licence expression" in reason


def test_the_policy_says_what_happens_to_the_unknown(call: Call) -> None:
    for word, verdict in (("allow", "allowed"), ("review", "review"), ("deny", "denied")):
        assert judge(call, "ISC", unknown=word)[0] == verdict
        assert judge(call, None, unknown=word)[0] == verdict


def test_a_reason_names_what_is_denied_and_what_is_not_listed(call: Call) -> None:
    assert judge(call, None) == ("review", "no licence could be derived")
    assert judge(call, "MIT AND ISC AND GPL-3.0-only", allowed=["mit"], denied=["GPLv3"]) == (
        "denied",
        "denied: GPL-3.0-only; not listed: ISC",
    )


def test_entries_of_a_policy_are_spelled_as_people_spell_them(call: Call) -> None:
    assert judge(call, "Apache-2.0", allowed=["Apache License 2.0"]) == ("allowed", "")
    assert judge(call, "LGPL-2.1-only", allowed=["lgpl-*"]) == ("allowed", "")


def test_an_exact_entry_beats_a_pattern_and_denied_beats_allowed(call: Call) -> None:
    exception = "GPL-2.0-only WITH Classpath-exception-2.0"

    assert judge(call, exception, denied=["GPL-*"])[0] == "denied"
    assert judge(call, exception, denied=["GPL-*"], allowed=["GPL-2.0-only"])[0] == "allowed"
    assert judge(call, exception, denied=["GPL-*"], allowed=[exception])[0] == "allowed"
    assert judge(call, "MIT", denied=["MIT"], allowed=["MIT"])[0] == "denied"
    assert judge(call, "GPL-3.0-or-later", denied=["GPL-3.0-only"])[0] == "denied"


@pytest.mark.parametrize(
    "policy",
    [
        None,
        [],
        "MIT",
        {"allow": ["MIT"]},
        {"allowed": "MIT"},
        {"allowed": [1]},
        {"denied": [" "]},
        {"unknown": "maybe"},
        {"unknown": ["deny"]},
    ],
)
def test_a_policy_that_is_none_is_refused_at_once(refusal: Call, policy: Any) -> None:
    assert refusal(tasks.classify_licences, [], policy) == ("BAD_POLICY", False)


def test_a_classification_counts_every_package_and_lists_the_denied_first(call: Call) -> None:
    licences = {"b": "ISC", "a": "ISC", "z": "GPL-3.0-only", "c": "MIT", "d": None}
    packages = [{"name": name, "version": "1", "licence": licence} for name, licence in licences.items()]

    result = call(tasks.classify_licences, packages, {"allowed": ["MIT"], "denied": ["GPL-*"]})

    assert result["counts"] == {"allowed": 1, "denied": 1, "review": 3}
    assert result["licences"] == {"GPL-3.0-only": 1, "ISC": 2, "MIT": 1, "unknown": 1}
    assert [one["name"] for one in result["offenders"]] == ["z", "a", "b", "d"]


def test_nothing_to_judge_is_no_offence(call: Call) -> None:
    result = call(tasks.classify_licences, [], {})

    assert result == {"counts": {"allowed": 0, "denied": 0, "review": 0}, "licences": {}, "offenders": []}
