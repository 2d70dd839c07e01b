"""`[retry]`: how often a supplier's steps are tried again."""

from contextworker.harvest.messages import OWN_STORES_RETRY, Retries, Retry


class RetrySection(Retry):
    """Its own keys are for fetching; each table in it overrides some of a step's."""

    fetch: Retry = Retry()
    transform: Retry = Retry()
    store: Retry = Retry()

    @property
    def steps(self) -> Retries:
        """What holds for each step."""
        fetch = Retry.model_validate(self.model_dump(include=set(Retry.model_fields)))
        return Retries(
            fetch=_override(fetch, self.fetch),
            transform=_override(OWN_STORES_RETRY, self.transform),
            store=_override(OWN_STORES_RETRY, self.store),
        )


def _override(base: Retry, table: Retry) -> Retry:
    return base.model_copy(update=table.model_dump(exclude_unset=True))
