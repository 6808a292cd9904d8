"""How likely a customer is to use a coupon they hold: learned from coupons that have ended.

`outreach.coupons.chances.chances` is what the night calls; docs/savings/coupons.md explains it to people.
"""
