"""The pages, one module each; each has `add(router, pages, frame)`."""

from outreach.web.views import batch, customer, lists, notice, rights, rules, tonight, why_not

VIEWS = (tonight.add, batch.add, lists.add, notice.add, customer.add, why_not.add, rules.add, rights.add)
