"""The linter of words: what templates and messages must never do, and what to do about it.

`templates.check` looks at folders of templates before they are used, `notices.problems` at each message when
it is written, `notices.refusal` once more when it is approved.
"""

from outreach.linting.findings import Finding
from outreach.linting.notices import REFUSING, Problem, fitness_of, problems, refusal
from outreach.linting.templates import check

__all__ = ["REFUSING", "Finding", "Problem", "check", "fitness_of", "problems", "refusal"]
