"""The pages, one module each; each has `add(router, pages, frame)`."""

from outreach.web.views import batch, ledger, notice, quality, results, tonight

VIEWS = (tonight.add, batch.add, notice.add, ledger.add, results.add, quality.add)
