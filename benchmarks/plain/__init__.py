"""The same workflow and activity as noop's, on temporalio alone, laid out as its samples are."""
