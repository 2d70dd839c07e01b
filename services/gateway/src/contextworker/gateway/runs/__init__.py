"""Runs in Temporal: starting, finding, following, listing and cancelling them.

`plan` and `starting` (with `earlier` and `executions`) begin runs; `access` and `following` find
the one a caller means; `state` tells how it stands, `watching` (with `feed`) does so at every
change.
"""
