"""Task `ner`, enricher `tagger`: for a tenant that has trained one."""

from contextworker.gardener.enrichers.naming.ner import TAGGER, NerOptions
from contextworker.gardener.enrichers.options import answers, read_options
from contextworker.gardener.enrichers.protocol import Enricher, EnricherContext


def tagger(context: EnricherContext) -> Enricher | None:
    """Make the enricher for a tenant; None before a tagger was trained.

    Raises:
        ConfigurationError: An option is unknown or wrong, or the task is another.
        PermanentError: The model's bytes are no tagger.
    """
    answers(context, TAGGER, "ner")
    options = read_options(context, NerOptions)
    if context.model is None:
        return None
    # Not at the top: a worker without a trained tagger need not load numpy.
    from contextworker.gardener.enrichers.naming.tagged import TaggerEnricher  # noqa: PLC0415
    from contextworker.gardener.tagger.tagger import Tagger  # noqa: PLC0415

    return TaggerEnricher(
        Tagger.loads(context.model),
        context.brands,
        # Where none is given, the model's own: from there on, 95 of 100 brands were right.
        threshold=options.threshold if "threshold" in options.model_fields_set else None,
    )
