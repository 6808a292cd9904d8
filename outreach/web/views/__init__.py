"""The pages, one module each; each has `add(router, pages, frame)`."""

from outreach.web.views import (
    batch,
    customer,
    ledger,
    lists,
    notice,
    quality,
    results,
    rights,
    rules,
    tonight,
    why_not,
)

VIEWS = (
    tonight.add,
    batch.add,
    lists.add,
    notice.add,
    customer.add,
    why_not.add,
    ledger.add,
    results.add,
    quality.add,
    rules.add,
    rights.add,
)
