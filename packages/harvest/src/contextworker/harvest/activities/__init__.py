"""The harvest activities: what the workflow's steps do in the world."""

from contextworker.harvest.activities.harvester import Harvester

__all__ = ["Harvester"]
