"""Mutants of money that goes back: what a retry may conclude, what comes back, whose event it is, what is looked at."""

from tests.simulation.planting import Edit, Mutant

FOUND = (
    "    if found := stripe_gateway.find_refund(begun.order, begun.refund):\n"
    "        return _record_made(begun, found, now)\n"
)
LOOKED_FIRST = FOUND + "    before = begun.refund\n"
LOOKED_AGAIN = FOUND + "    if error.refusal in (None, Refusal.OF_ACCESS) or not is_last:\n"
SWEPT = "        {0}S: lambda part, _: at_stripe.sweep_reversals(part, begin({0}S), memory.stuck, Kind.{0}),\n"
BEGUN_ABOUT = """\
    if isinstance(update, CheckoutAbandoned) and not update.is_about(
        order.attempt, order.opened_at, order.provider_order_id
    ):
        return None  # its request came again while reconcile looked at it
"""

MUTANTS_OF_MONEY = (
    Mutant(
        "a refund is made again a day later without looking for it",
        3000,
        (
            Edit(
                "topup.refunds", "(refund_outcomes.make if is_new else refund_outcomes.resume)", "refund_outcomes.make"
            ),
        ),
    ),
    Mutant(
        "a refusal of a later try ends a refund that Stripe has made",
        500,
        (
            Edit("topup.refund_outcomes", LOOKED_FIRST, "    before = begun.refund\n"),
            Edit("topup.refund_outcomes", LOOKED_AGAIN, "    if error.refusal is None:\n"),
        ),
    ),
    Mutant(
        "our own refusal outranks Stripe's word",
        3000,
        (
            Edit("topup.refund_outcomes", LOOKED_FIRST, "    before = begun.refund\n"),
            Edit("topup.refund_outcomes", LOOKED_AGAIN, "    if error.refusal is None:\n"),
            Edit("topup.domain.reversals", "ReversalStatus.REFUSED: 1,", "ReversalStatus.REFUSED: 5,"),
        ),
    ),
    Mutant(
        "a failure after Stripe's yes says that the refund may be tried again",
        500,
        (Edit("topup.refunds", "        _report(begun, error)\n        return begun\n", "        raise\n"),),
    ),
    Mutant(
        "a refund that may have begun says that it may be tried again",
        1000,
        (Edit("topup.refunds", "        if is_refusal or not written:\n            raise\n", "        raise\n"),),
    ),
    Mutant(
        "what comes back lapses with the lot that it was taken from",
        500,
        (
            Edit(
                "topup.domain.clawbacks",
                "        if lot is not None and not lot.is_expired(self.now):\n",
                "        if lot is not None:\n",
            ),
        ),
    ),
    Mutant(
        "what another purchase has paid is still owed",
        500,
        # Two guards: who pays a debt notes it for the order that owed it, and what nobody has noted is noticed.
        (
            Edit("topup.domain.credits", "new_lots=(kept,), additions=additions", "new_lots=(kept,)"),
            Edit("topup.domain.clawbacks", "    if paid == 0:\n        return out\n", "    return out\n"),
        ),
    ),
    Mutant(
        "what has expired is taken again",
        500,
        (
            Edit(
                "topup.domain.payments",
                "payment.order.credits_due_for(by_then) - expired)",
                "payment.order.credits_due_for(by_then))",
            ),
        ),
    ),
    Mutant(
        "reconcile begins anew with each run",
        3000,
        (
            Edit(
                "topup.reconciliation.stripe_walks",
                'cursor["second"], started, cursor.get("request"), cursor.get("until"), set(cursor["handled"]))\n',
                'int((now - window).timestamp()), now, cursor.get("request"))\n',
            ),
        ),
    ),
    Mutant(
        "reconcile looks only at events that failed",
        500,
        (
            Edit(
                "topup.reconciliation.runs",
                SWEPT.format("REFUND") + SWEPT.format("DISPUTE"),
                "",
            ),
            Edit(
                "topup.reconciliation.at_stripe",
                "        if subject is None or _is_swept(subject, reversals_since):\n",
                "        if subject is None:\n",
            ),
            Edit(
                "topup.stripe_gateway.listing", "REVERSAL_EVENTS, {})", 'REVERSAL_EVENTS, {"delivery_success": False})'
            ),
        ),
    ),
    Mutant(
        "the metadata decides whose refund it is",
        500,
        (
            Edit(
                "topup.clawback",
                "    return is_of_order and update.transaction_id in (None, own)\n",
                "    return True\n",
            ),
        ),
    ),
    Mutant(
        "a payment is known from events that failed alone",
        3000,
        (Edit("topup.stripe_gateway.listing", "PAID_EVENTS, {})", 'PAID_EVENTS, {"delivery_success": False})'),),
    ),
    Mutant(
        "a checkout that is opened anew ends as abandoned",
        3000,
        (Edit("topup.domain.order_updates", BEGUN_ABOUT, ""),),
    ),
    Mutant(
        "an order whose session Stripe does not know stays open",
        1000,
        (
            Edit(
                "topup.reconciliation.own_work",
                "        return _forget_session(order, now)\n",
                "        return Result.NOTHING_TO_DO\n",
            ),
        ),
    ),
    Mutant(
        "a payment's refunds are read from one page",
        200,
        (
            Edit(
                "topup.store.reversals",
                '    if "LastEvaluatedKey" not in page and (payment is None or _adds_up(payment)):\n',
                "    if True:\n",
            ),
        ),
    ),
    Mutant(
        "a payment's pages belong together if its order stays the same after it was read",
        0,
        (
            Edit(
                "topup.store.reversals",
                "    before = _payment_from_items(pages.query_all(order_alone))\n",
                "    before = None\n",
            ),
            Edit(
                "topup.store.reversals",
                "        if before == after:\n",
                "        if payment is None or (after and payment.order == after.order):\n",
            ),
        ),
        plan="seed-200005",
    ),
    Mutant(
        "another amount or end of a dispute counts as late",
        500,
        (
            Edit(
                "topup.domain.payments",
                "    if update.kind is not Kind.DISPUTE:\n        return False\n",
                "    return False\n",
            ),
        ),
    ),
    Mutant(
        "money that goes back without credits is in no entry",
        500,
        (Edit("topup.domain.payments", "    if money_minor:\n", "    if money_minor and more:\n"),),
    ),
    Mutant(
        "the status alone says what a dispute has taken",
        1000,
        (
            Edit(
                "topup.stripe_gateway.reversals",
                "net_minor=_net_minor(dispute, amount_minor) if status in DECIDED_BY_MONEY else None",
                "net_minor=None",
            ),
        ),
    ),
    Mutant(
        "a dispute in another currency is forgotten",
        1000,
        (
            Edit(
                "topup.clawback",
                "    if not _is_of_its_intent(update, payment.order):\n        return _apply",
                "    if update.currency != payment.order.currency:\n        return False\n"
                "    if not _is_of_its_intent(update, payment.order):\n        return _apply",
            ),
        ),
    ),
    Mutant(
        "a status that this version does not know is malformed",
        1000,
        (
            Edit(
                "topup.stripe_gateway.reversals",
                "    return known.get(word, ReversalStatus.UNKNOWN)\n",
                "    return known[word]\n",
            ),
        ),
    ),
    Mutant(
        "the orders alone say whether credits were granted",
        1000,
        (
            Edit(
                "topup.store.lot_writes",
                "        for item in (credit_items.lot_to_item(lot), *_timer_items(lot))\n    ]\n",
                "        for item in (credit_items.lot_to_item(lot),)\n"
                "    ] + [write for lot in lots for write in _timer_writes(lot)]\n",
            ),
            Edit(
                "topup.store.lot_writes",
                'marked = put_new(credit_items.grant_mark_item(lot), ReturnValuesOnConditionCheckFailure="ALL_OLD")',
                'marked = {"Put": {**_lot_address(lot), "Item": credit_items.grant_mark_item(lot)}}\n'
                '    del marked["Put"]["Key"]',
            ),
        ),
    ),
    Mutant(
        "events of other accounts are believed",
        500,
        (Edit("topup.stripe_gateway.events", "    return not is_foreign\n", "    return True\n"),),
    ),
    Mutant(
        "a renamed stack does not know its own objects",
        1000,
        (
            Edit(
                "topup.runtime.config",
                "        return (self.stack_name, *self.former_stack_names)\n",
                "        return (self.stack_name,)\n",
            ),
        ),
    ),
    Mutant(
        "what a newer version wrote to a lot is dropped",
        500,
        (Edit("topup.store.credit_items", "    return dict(lot.unknown) | to_item(\n", "    return to_item(\n"),),
    ),
    Mutant(
        "a list says nothing of refunds",
        1000,
        (
            Edit(
                "topup.store.reversals",
                "    payment = load_payment(order.payment_id) if has_any else None\n",
                "    payment = None\n",
            ),
        ),
    ),
    Mutant(
        "credits stand for the price, whatever was paid",
        200,
        (
            Edit(
                "topup.domain.orders",
                "return self.amount_minor if self.paid_minor is None else self.paid_minor",
                "return self.amount_minor",
            ),
        ),
    ),
    Mutant(
        "the sum that arrived must be the price",
        100,
        (
            Edit(
                "topup.domain.order_updates",
                "    if payment.subtotal_minor is None:\n",
                "    if payment.amount_minor >= 0:\n",
            ),
        ),
    ),
    Mutant(
        "a payment intent is asked for nothing but its sum",
        200,
        (Edit("topup.domain.order_updates", "    return not is_known and (", "    return False and ("),),
    ),
    Mutant(
        "tax that the price contains is overlooked",
        1000,
        (Edit("topup.domain.order_updates", "(order.page.may_change_total or update", "(update"),),
    ),
    Mutant(
        "a price of nothing is not paid",
        100,
        (Edit("topup.stripe_gateway.translation", 'PAID = ("paid", "no_payment_required")', 'PAID = ("paid",)'),),
    ),
    Mutant(
        "a second payment of an order for nothing is its own",
        1000,
        (
            Edit(
                "topup.clawback",
                "own = order.transaction_id or (update.transaction_id if order.charged_minor else None)",
                "own = order.transaction_id or update.transaction_id",
            ),
        ),
    ),
    Mutant(
        "a payment is ended here alone",
        200,
        (
            Edit(
                "topup.cancellations",
                "    state = _end_session(order)\n",
                "    about = {'payment_id': order.payment_id, 'user_id': order.user_id, 'livemode': order.livemode}\n"
                "    return fulfilment.apply(order_updates.CheckoutExpired(**about), now)\n"
                "    state = _end_session(order)\n",
            ),
        ),
    ),
    Mutant(
        "a late end of a dispute that was opened again counts",
        3000,
        (
            Edit(
                "topup.domain.payments",
                "    return update.status in DECIDED or (before is not None and before.status in DECIDED)\n",
                "    return before is not None and before.status in DECIDED\n",
            ),
        ),
    ),
    Mutant(
        "a payment whose money went back can be paid again",
        1000,
        (
            Edit(
                "topup.releases",
                "        is_being_paid = _end_session(order, now)\n",
                "        is_being_paid = False\n",
            ),
        ),
    ),
    Mutant(
        "a payment that was given back grants when it is reported again",
        1500,
        (
            Edit(
                "topup.domain.order_updates",
                "    if payment.transaction_id in order.refused_intents:\n        return True\n",
                "",
            ),
        ),
    ),
    Mutant(
        "a payment that is fulfilled after its refund came back counts as given back",
        3000,
        (
            Edit(
                "topup.domain.orders",
                "intent for intent, action in last.items() if action",
                "one.intent for one in self.releases if one.action",
            ),
        ),
    ),
    Mutant(
        "all credits are granted, whatever was paid",
        500,
        (
            Edit(
                "topup.domain.releases",
                "    credits = order.credits_purchased * min(price, order.amount_minor) // order.amount_minor\n",
                "    credits = order.credits_purchased\n",
            ),
        ),
    ),
    Mutant(
        "money goes back although a lost record had granted the credits",
        6000,
        (
            Edit(
                "topup.releases",
                "    if store.find_own_lot(order):\n",
                "    if False:\n",
            ),
        ),
    ),
    Mutant(
        "a lot that was granted and used up does not keep its order from granting again",
        0,
        (
            Edit(
                "topup.store.orders",
                "for lot in grant.new_lots for write in lot_writes.granted_once(lot)]",
                "for lot in grant.new_lots if not lot for write in lot_writes.granted_once(lot)]",
            ),
        ),
        plan="seed-1",
    ),
    Mutant(
        "a grant leaves no mark",
        0,
        (Edit("topup.store.lot_writes", "if lot.remaining else [marked]", "[1:] if lot.remaining else []"),),
        plan="seed-3",
    ),
    Mutant(
        "a test key decides over refunds of live payments",
        0,
        (
            Edit(
                "topup.stripe_gateway.client",
                "    if order.livemode and not config.is_livemode():\n",
                "    if False:\n",
            ),
        ),
        plan="seed-9",
    ),
    Mutant(
        "what was seen with the key of one mode counts with the other one's",
        0,
        (
            Edit(
                "topup.reconciliation.runs",
                'False: f"{name} in test mode"',
                "False: name",
            ),
        ),
        plan="seed-2",
    ),
    Mutant(
        "a look that fails overlooks what was decided meanwhile",
        3000,
        (
            Edit(
                "topup.store.orders",
                "    conditions, values = _still_as_read(order)\n",
                "    conditions, values = _still_as_read(order)\n"
                "    conditions = conditions[:4]\n"
                "    values.pop(':releases_read'), values.pop(':refused_besides_read')\n",
            ),
        ),
    ),
    Mutant(
        "only the last answer says whether a refund has begun",
        0,
        (
            Edit(
                "topup.store.races",
                "    if failures.attempts_before(error.__cause__ or error) > 0:\n",
                "    if False:\n",
            ),
        ),
        plan="seed-760",
    ),
)
