"""How a run stands, pieced together from what Temporal tells: `status` does so.

Of an open run: `waiting` (who is awaited), `pending` (its activities), `progress`. Of a closed one:
`results`. `failures` puts into words whatever went wrong.
"""
