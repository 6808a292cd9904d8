"""The pages, one module each; each has `add(router, pages, frame)`."""

from outreach.web.views import batch, lists, notice, rules, tonight

VIEWS = (tonight.add, batch.add, lists.add, notice.add, rules.add)
