"""The names that a run has at Stripe: of endpoints and of stacks."""

OUR_URL, OTHER_URL = "http://127.0.0.1:1/", "http://127.0.0.1:2/"
OUR_STACKS = (STACK, RENAMED) = ("topup-test", "topup-renamed")
MOST_HOLDS = 6  # open ones of a user: so few that histories meet the limit
