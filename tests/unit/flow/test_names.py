from __future__ import annotations

from pathlib import Path

from domain.flow.loader import load_flow
from domain.flow.model import FlowDefinition
from domain.flow.names import variables_of, written_by
from domain.flow.templated import hook_sites, item_names, sites_of


def every_kind() -> FlowDefinition:
    text = (Path(__file__).parents[2] / "data" / "every_kind.yaml").read_text(encoding="utf-8")
    flow = load_flow(text, "every_kind.yaml").flow
    assert flow is not None
    return flow


def test_variables_are_declared_saved_set_appended_to_or_set_by_hooks_and_for_branches() -> None:
    declared = {"numbers", "log", "total", "branch", "steps"}
    saved = {"echoed", "theirs", "status", "siblings", "parts", "told", "heard", "same", "branches", "verdict"}
    assert variables_of(every_kind()) == declared | saved | {"place"}


def test_a_node_writes_what_it_sets_appends_to_and_saves_in_its_own_thread() -> None:
    nodes = every_kind().nodes
    assert written_by(nodes["loop"]) == {"total", "log"}
    assert written_by(nodes["near"]) == {"total"}
    assert written_by(nodes["hear"]) == {"heard", "same"}
    assert written_by(nodes["split"]) == {"branches"}
    assert written_by(nodes["choose"]) == frozenset()


def test_items_have_names_where_there_is_a_list() -> None:
    nodes = every_kind().nodes
    assert item_names(nodes["each_number"]) == {"number", "index"}
    assert item_names(nodes["split"]) == {"way", "index"}
    assert item_names(nodes["loop"]) == frozenset()


def test_every_text_with_an_expression_is_at_a_site() -> None:
    """A field that is forgotten would neither be checked nor have its names known."""
    flow = every_kind()
    sites = {
        *(("nodes", node_id, site.path[0]) for node_id, node in flow.nodes.items() for site in sites_of(node)),
        *(site.path[:3] for site in hook_sites(flow)),
    }
    document = flow.model_dump(by_alias=True)
    written = {
        (*place, field)
        for place, part in [
            *((("nodes", node_id), node) for node_id, node in document["nodes"].items()),
            *((("hooks", name), hook) for name, hook in document["hooks"].items() if hook),
        ]
        for field, value in part.items()
        if "{{" in str(value)
    }
    assert written - sites == set()
