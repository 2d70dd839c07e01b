"""What Temporal's UI shows of a run: short, and plain where it is somebody else's text."""

import pytest

from contextworker.core.details import MAX_BYTES, details_of
from contextworker.core.errors import ConfigurationError
from contextworker.core.messages import Progress
from contextworker.core.summaries import SUMMARY_BYTES, SummaryTemplate, cut


def test_progress_and_counts_are_a_headline_and_a_list() -> None:
    """Numbers as people read them; what has no value is left out."""
    progress = Progress(stage="storing", done=1200, total=5000, unit="products")

    shown = details_of(progress, {"inserted": 1200, "cost": None, "state": "fine"})

    assert [
        "**storing**: 1,200 of 5,000 products",
        "",
        "- inserted: 1,200",
        "- state: fine",
    ] == shown.splitlines()


@pytest.mark.parametrize(
    ("progress", "headline"),
    [
        (Progress(stage="fetching"), "**fetching**"),
        (Progress(stage="reading", done=7), "**reading**: 7 rows"),
        (Progress(stage="done", done=0, total=0), "**done**: 0 of 0 rows"),
    ],
    ids=["stage", "done", "total"],
)
def test_a_headline_says_what_is_known(progress: Progress, headline: str) -> None:
    """A stage alone, a count, or a part of a whole."""
    assert headline == details_of(progress)


def test_text_of_others_is_no_markdown() -> None:
    """No picture is loaded, no link followed, no tag read."""
    shown = details_of(Progress(stage="a\n# b"), {"![x](http://evil)": "<img> `c`\nd"})

    assert r"**a \# b**" == shown.splitlines()[0]
    assert r"- \!\[x\](http://evil): \<img\> \`c\` d" == shown.splitlines()[-1]


def test_many_counts_are_cut() -> None:
    """However many reasons a feed has."""
    shown = details_of(Progress(stage="storing"), {f"reason {number}": 1 for number in range(1000)})

    assert len(shown.encode()) <= MAX_BYTES + 20
    assert shown.endswith("… and more")


@pytest.mark.parametrize("text", ["ü" * 500, "x" * 500, "\n".join("abc" * 100)], ids=len)
def test_a_summary_is_cut_to_what_temporal_takes(text: str) -> None:
    """By bytes, between characters, in one line."""
    summary = cut(text)

    assert SUMMARY_BYTES - 4 <= len(summary.encode()) <= SUMMARY_BYTES
    assert summary.endswith("…")
    assert "\n" not in summary


def test_a_summary_over_a_payload() -> None:
    """A field without a value leaves nothing behind, also no space."""
    template = SummaryTemplate.parse("Enrich products of {tenant_id} {supplier_code}")

    assert ("tenant_id", "supplier_code") == template.fields
    assert "Enrich products of acme" == template.fill({"tenant_id": "acme"})


@pytest.mark.parametrize("wrong", ["{", "{0}", "{a.b}", "{a!r}", "{a:5}", "{}"])
def test_a_summary_that_is_no_template(wrong: str) -> None:
    """The mistake is told with the text."""
    with pytest.raises(ConfigurationError, match="is no text with"):
        SummaryTemplate.parse(wrong)
