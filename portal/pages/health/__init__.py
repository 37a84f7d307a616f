"""/healthz and /readyz, for whatever watches the processes."""
