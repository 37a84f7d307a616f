"""Read by every Python that starts with this folder on its path: the tests' own process and those that tests start."""

import os
from pathlib import Path

if os.environ.get("DUEPOST_SABOTAGE"):
    from tests.sabotage.catalogue import MUTANTS
    from tests.sabotage.hook import sabotage

    sabotage(MUTANTS[os.environ["DUEPOST_SABOTAGE"]], Path(os.environ["DUEPOST_SABOTAGE_APPLIED"]))
