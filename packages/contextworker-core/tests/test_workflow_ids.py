"""Workflow ids: readable, and never the same for two different things."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextworker.core.errors import ConfigurationError
from contextworker.core.workflow_ids import WorkflowIdTemplate

TEMPLATE = WorkflowIdTemplate.parse("harvest-{tenant_id}-{supplier_code}")
values = st.text("ab-_%/é", max_size=5)


def test_an_id_reads_like_its_fields() -> None:
    """What callers see in Temporal's UI says what it is."""
    filled = TEMPLATE.fill({"tenant_id": "my_project", "supplier_code": "camping-trade"})

    assert "harvest-my_project-camping-trade" == filled
    assert ("tenant_id", "supplier_code") == TEMPLATE.fields


@given(one=st.tuples(values, values), other=st.tuples(values, values))
def test_two_things_never_share_an_id(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Tenant `a-b` with supplier `c` is not tenant `a` with supplier `b-c`."""
    ids = [
        TEMPLATE.fill({"tenant_id": tenant, "supplier_code": supplier})
        for tenant, supplier in (one, other)
    ]

    assert (one == other) == (ids[0] == ids[1])


@pytest.mark.parametrize("template", ["a-{", "a-{0}", "a-{b.c}", "a-{b!r}", "a-{b:>9}", "a-{}"])
def test_a_template_that_names_no_fields_is_refused(template: str) -> None:
    """Only plain field names may stand in braces."""
    with pytest.raises(ConfigurationError, match="is no text with"):
        WorkflowIdTemplate.parse(template)


@pytest.mark.parametrize("template", ["{a}{b}", "x-{a}_{b}", "{a}-{b}.{c}"])
def test_a_template_whose_fields_run_together_is_refused(template: str) -> None:
    """`1` with `2_3` would share an id with `1_2` and `3`."""
    with pytest.raises(ConfigurationError, match="so that two payloads could share an id"):
        WorkflowIdTemplate.parse(template)


@pytest.mark.parametrize(
    ("workflow_type", "template", "expected"),
    [
        ("harvest", "harvest-{tenant_id}-{code}", "harvest-{tenant_id}-{code}"),
        ("gardener", "gardener-{tenant_id}", "gardener-{tenant_id}"),
        ("price-list", "price-list-{tenant_id}-{code}", "price%2Dlist-{tenant_id}-{code}"),
        ("harvest", "harvest-{tenant_id}s", "harvest-{tenant_id}-harvest-{tenant_id}s"),
        ("harvest", "stock-{code}", "harvest-{tenant_id}-stock-{code}"),
        ("harvest", "{code}-{{x}}", "harvest-{tenant_id}-{code}-{{x}}"),
        ("harvest", "", "harvest-{tenant_id}-"),
    ],
)
def test_the_template_of_runs_begins_with_type_and_tenant(
    workflow_type: str, template: str, expected: str
) -> None:
    """What begins so already stays as its module wrote it."""
    assert expected == str(WorkflowIdTemplate.parse(template).of_runs(workflow_type))


words = st.text("ab-_%{}/é", max_size=4)
tenants = st.text("ab-_.", min_size=1, max_size=4)


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Write any template over three fields, most of them usable."""
    literals = st.sampled_from(["", "-", "a-", "-b", "a", "_", "{{", "a-b-", "%2D", "--"])
    fields = st.sampled_from(["{tenant_id}", "{x}", "{y}", ""])
    return "".join(draw(st.lists(st.one_of(literals, fields), max_size=6)))


@given(
    template_of=st.fixed_dictionaries({"a": templates(), "a-b": templates(), "b": templates()}),
    one=st.tuples(st.sampled_from(["a", "a-b", "b"]), tenants, words, words),
    other=st.tuples(st.sampled_from(["a", "a-b", "b"]), tenants, words, words),
)
@settings(max_examples=1000)
def test_two_runs_share_an_id_only_where_all_their_fields_are_the_same(
    template_of: dict[str, str],
    one: tuple[str, str, str, str],
    other: tuple[str, str, str, str],
) -> None:
    """Type, tenant, and every field that the template names: whatever the templates are."""
    ids, named = [], []
    for workflow_type, tenant_id, x, y in (one, other):
        try:
            template = WorkflowIdTemplate.parse(template_of[workflow_type]).of_runs(workflow_type)
        except ConfigurationError:
            return
        values = {"tenant_id": tenant_id, "x": x, "y": y}
        ids.append(template.fill(values))
        named.append((workflow_type, [values[field] for field in template.fields]))

    assert (ids[0] == ids[1]) == (named[0] == named[1])
