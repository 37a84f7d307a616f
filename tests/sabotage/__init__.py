"""Each mechanism that a promise stands on is taken out by code, and the promise's check must notice: `make mutants`."""
