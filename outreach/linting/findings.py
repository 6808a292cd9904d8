"""What the linter finds."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """A rule that a template breaks.

    Attributes:
        file: relative to the folder of templates.
        line: from 1; 0 where the file is missing.
        rule: its name.
        advice: what is wrong and what to do.
    """

    file: str
    line: int
    rule: str
    advice: str

    def __str__(self) -> str:
        """One line, as compilers print them."""
        return f"{self.file}:{self.line}: {self.rule}: {self.advice}"
