"""Text in the cells of a spreadsheet: never a formula, and the original again when it comes back.

A spreadsheet takes a text for a formula by how its cell begins. So a `'` is put where a cell begins with
`= + - @`, also their wide forms, also behind spaces, quotes and characters nobody sees; and where it begins
with a control character. Within a text the same is done behind `;`, `|`, tabs and ends of lines, because a
spreadsheet that separates by something else than the file begins another cell there. Undoing takes away one
`'` at exactly those places, so every text survives the way there and back (OWASP ASVS 5.0, 1.2.10).
"""

import polars as pl

_STARTS = "(^|[;|\t\r\n])"
"""Where a cell begins, whatever separates cells."""
_BEFORE = (
    r"[\p{Z}\p{Cf}\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F"
    "\"'`´‘’‚‛“”„‟«»‹›\uff02\uff07"
    "]*"
)
"""What may stand before the sign of a formula: spaces, quotes, and what nobody sees."""
_SIGNS = r"[=+\-@＝＋－＠﹦﹢﹣﹫−]"
_CONTROLS = r"'*[\x00-\x1F\x7F-\x9F]"


def guarded(text: pl.Expr) -> pl.Expr:
    """A text as a cell can hold it without being a formula."""
    inner = text.str.replace_all(f"{_STARTS}({_BEFORE}{_SIGNS})", "${1}'${2}")
    return inner.str.replace(f"^({_CONTROLS})", "'${1}")


def unguarded(text: pl.Expr) -> pl.Expr:
    """The text that `guarded` was given."""
    inner = text.str.replace(f"^'({_CONTROLS})", "${1}")
    return inner.str.replace_all(f"{_STARTS}'({_BEFORE}{_SIGNS})", "${1}${2}")
