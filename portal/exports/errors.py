"""What can go wrong while a file is made."""


class ExportError(Exception):
    """The file could not be made. The text is one sentence for people; `permanent`: trying again does not help."""

    def __init__(self, sentence: str, *, permanent: bool) -> None:
        super().__init__(sentence)
        self.permanent = permanent
