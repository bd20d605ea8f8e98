"""Mutants of holds, batches and spends given back."""

from tests.simulation.planting import Edit, Mutant

STILL_OPEN = "return self.status is HoldStatus.OPEN and self.ends_at > now"
LATER_MOMENTS = """\
    for lot in open_lots:
        if lot.expires_at is None or lot.expires_at >= until:
            break
        there -= lot.remaining
        least = min(least, there - sum(hold.left for hold in reserving if hold.ends_at > lot.expires_at))
"""
OF_A_CAPTURE = """\
    once = _Once(user, request.idempotency_key, request.fingerprint, now)
    receipt, is_new = once.change(lambda: hold_changes.capture("""
MARKER_OF_A_RELEASE = 'once = _Once(user, f"release:{hold_id}", '
CHECK_OF_AN_EXTENSION = "    _check_spare(user, others, extended, now)\n"
ORDER_OF_RETURNS = "reversed(in_draw_order(spend.moves, lots))"
NEXT_OF_A_BATCH = "while new := [item for item in items if item.key not in known]:"

MUTANTS_OF_HOLDS = (
    Mutant(
        "a hold that is over still counts",
        200,
        (Edit("topup.domain.holds", STILL_OPEN, "return self.status is HoldStatus.OPEN"),),
    ),
    Mutant(
        "a hold is covered by a lot that lapses first",
        1000,
        (Edit("topup.domain.holds", LATER_MOMENTS, ""),),
    ),
    Mutant(
        "an extension does not look at the expiry of lots",
        1000,
        (Edit("topup.domain.hold_changes", CHECK_OF_AN_EXTENSION, ""),),
    ),
    Mutant(
        "a hold does not look at debt",
        1000,
        (Edit("topup.domain.hold_changes", ", wanted.ends_at) - user.wallet.debt\n", ", wanted.ends_at)\n"),),
    ),
    Mutant(
        "what captures owe stays beside what a hold frees",
        3000,
        (Edit("topup.domain.debt", "if paid else change", "if False else change"),),
    ),
    Mutant(
        "credits expire beside what captures owe",
        0,
        (Edit("topup.domain.expiries", "if not paid:", "if True:"),),
        plan="seed-6",
    ),
    Mutant(
        "a refund takes credits that pay what is owed",
        6000,
        (Edit("topup.domain.refund_requests", "not quote.is_covered", "(quote.debt or quote.held)"),),
    ),
    Mutant(
        "a spend takes held credits",
        200,
        (Edit("topup.domain.credits", "return self.balance(now) - self.held(now)", "return self.balance(now)"),),
    ),
    Mutant(
        "the wallet's version is not raised by a hold",
        100,
        (
            Edit(
                "topup.domain.hold_changes",
                "raised = replace(user.wallet, version=user.wallet.version + 1)",
                "raised = user.wallet",
            ),
        ),
    ),
    Mutant(
        "a capture takes twice",
        500,
        (
            Edit(
                "topup.holding",
                OF_A_CAPTURE,
                OF_A_CAPTURE.replace("request.idempotency_key", 'f"{request.idempotency_key}:{now}"'),
            ),
        ),
    ),
    Mutant(
        "a capture takes what other holds reserve",
        500,
        (
            Edit(
                "topup.domain.hold_changes",
                "besides = max(0, user.available(now) + hold.held(now) - from_hold)",
                "besides = there - from_hold",
            ),
        ),
    ),
    Mutant(
        "the shortfall of a capture is lost",
        500,
        (
            Edit(
                "topup.domain.hold_changes",
                "        shortfall=hold.shortfall + rest - owed,\n",
                "        shortfall=hold.shortfall,\n",
            ),
        ),
    ),
    Mutant(
        "a late capture is refused",
        1000,
        (Edit("topup.domain.holds", "return self.is_open(now) or is_late", "return self.is_open(now)"),),
    ),
    Mutant(
        "the end of a hold by itself closes it",
        2000,
        (
            Edit(
                "topup.domain.holds",
                "is_closed=self.is_closed or status is not HoldStatus.EXPIRED)",
                "is_closed=True)",
            ),
        ),
    ),
    Mutant(
        "a release has no marker",
        500,
        (Edit("topup.holding", MARKER_OF_A_RELEASE, MARKER_OF_A_RELEASE.replace("{hold_id}", "{hold_id}:{now}")),),
    ),
    Mutant(
        "nothing but its timer ends a hold",
        1000,
        (Edit("topup.store.hold_items", '"due_shard": hold.hold_id[0] if is_open else None', '"due_shard": None'),),
    ),
    Mutant(
        "a refund without force uncovers a hold",
        1000,
        (
            Edit(
                "topup.domain.refundable",
                "        if _taken_from_holds(payment, clawbacks.drawn_from(",
                "        if False and _taken_from_holds(payment, clawbacks.drawn_from(",
            ),
        ),
    ),
    Mutant(
        "a batch writes a part",
        500,
        (Edit("topup.batch_spending", NEXT_OF_A_BATCH, NEXT_OF_A_BATCH.replace("]:", "][:1]:")),),
    ),
    Mutant(
        "a batch with a key that was used spends the rest",
        4000,
        (
            Edit("topup.batch_spending", "            if item.key in known_before:\n", "            if False:\n"),
            Edit(
                "topup.batch_spending",
                "    return [known[item.key] for item in items], bool(spent)\n",
                "    for item in items:\n"
                "        asked = _fingerprint(user_id, item)\n"
                "        idempotency.check_same_request(known[item.key].request_fingerprint, asked)\n"
                "    return [known[item.key] for item in items], bool(spent)\n",
            ),
        ),
    ),
    Mutant(
        "a spend is given back beyond what it took",
        500,
        (
            Edit(
                "topup.domain.reversed_spends",
                "    return -spend.amount - given.credits\n",
                "    return -spend.amount\n",
            ),
            Edit(
                "topup.domain.reversed_spends",
                "        part = min(wanted, -spend.moves[lot_id] - given.lots.get(lot_id, 0))\n",
                "        part = min(wanted, -spend.moves[lot_id])\n",
            ),
        ),
    ),
    Mutant(
        "what was drawn first comes back first",
        500,
        (Edit("topup.domain.reversed_spends", ORDER_OF_RETURNS, "in_draw_order(spend.moves, lots)"),),
    ),
    Mutant(
        "credits come back to a lot that has expired",
        2000,
        (Edit("topup.domain.reversed_spends", "if lot is None or lot.is_expired(self.now):", "if lot is None:"),),
    ),
)
