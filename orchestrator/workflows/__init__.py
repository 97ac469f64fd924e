"""One file a workflow; every file here is found by scanning."""
