"""Mutants of what is sold and quoted: amounts and their tiers, how long credits live, what a refund is said to do."""

from tests.simulation.planting import Edit, Mutant

DECIDED = "order_updates.decide(order, wallet, update, now, config.settings().expire_after_months)"
SOLD_NOW = """\
    on_sale = config.catalogue().packages.get(order.package_id)
    if on_sale and on_sale.valid_months is not None:
        order = replace(order, valid_months=on_sale.valid_months)
"""

MUTANTS_OF_SALES = (
    Mutant(
        "the bonus of a tier is forgotten",
        100,
        (Edit("topup.domain.catalogue", "(100 + bonus).as_integer_ratio()", "(100 + 0 * bonus).as_integer_ratio()"),),
    ),
    Mutant(
        "a tier begins above its amount",
        500,
        (Edit("topup.domain.catalogue", "if tier.from_minor <= amount_minor)", "if tier.from_minor < amount_minor)"),),
    ),
    Mutant(
        "all credits live as long as is configured",
        100,
        (
            Edit(
                "topup.domain.orders",
                "usual_months if self.valid_months is None else self.valid_months",
                "usual_months",
            ),
        ),
    ),
    Mutant(
        "what is on sale now decides how long credits live",
        3000,
        (
            Edit(
                "topup.fulfilment",
                "from dataclasses import dataclass\n",
                "from dataclasses import dataclass, replace\n",
            ),
            Edit("topup.fulfilment", f"    change = {DECIDED}\n", f"{SOLD_NOW}    change = {DECIDED}\n"),
        ),
    ),
    Mutant(
        "a retry for another amount is the same request",
        3000,
        (Edit("topup.checkouts", "asked[: 4 if self.amount else 3 if self.locale else 2]", "asked[:3]"),),
    ),
    Mutant(
        "a stale quote is accepted",
        1000,
        (Edit("topup.domain.refund_requests", "        raise QuoteStale\n", "        pass\n"),),
    ),
    Mutant(
        "a quote's token says nothing of where the credits come from",
        2000,
        (
            Edit(
                "topup.domain.quotes",
                "self.change.after.amount_minor, self.from_own_lot, self.from_other_lots, self.debt, self.held)",
                "self.change.after.amount_minor, self.credits)",
            ),
        ),
    ),
)
