"""Workflow ids: readable, and never the same for two different things."""

import pytest
from hypothesis import given
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
