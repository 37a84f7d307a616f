"""Puts a sabotage in place of the code as it is first imported, in this process.

By file and at compile time, so that whoever does `from x import y`, and Alembic, which loads its migrations by path,
get the sabotaged code too. Nothing on disk is changed.
"""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from tests.sabotage.mutant import Mutant


def sabotage(mutant: Mutant, applied: Path) -> None:
    """From now on; each file that is loaded sabotaged is noted in `applied`. Raises SnippetNotFound."""
    sources = mutant.sources()
    genuine = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        path = Path(loader.path).resolve()
        if path not in sources:
            return genuine(loader, fullname)
        with applied.open("a", encoding="utf-8") as note:
            note.write(f"{path}\n")
        code: CodeType = loader.source_to_code(sources[path].encode(), str(path))
        return code

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]
