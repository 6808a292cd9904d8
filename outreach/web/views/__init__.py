"""The pages, one module each; each has `add(router, pages, frame)`."""

from outreach.web.views import batch, customer, notice, tonight, why_not

VIEWS = (tonight.add, batch.add, notice.add, customer.add, why_not.add)
