"""The Brain behind a CommerceService, with a ledger for what its contract has no word for."""
