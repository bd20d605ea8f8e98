"""Invoices of payments that have succeeded, for sessions that were created with invoice_creation[enabled]."""

from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects.base import Json
from local.stripe_simulator.objects.invoice import invoice


def issue(world: World, session: Json) -> None:
    """Make the paid invoice of a completed session, if it is to have one."""
    if not session["invoice_creation"]["enabled"]:
        return
    invoice_id = world.ids.new("in")
    issued = invoice(
        invoice_id,
        number=f"SIMULATED-{len(world.tables['invoice']) + 1:04d}",
        url=f"{world.base_url}/invoices/{invoice_id}",
        now=world.timestamp,
        session=session,
        lines=world.line_items[session["id"]],
    )
    world.add(issued)
    world.change(session, invoice=invoice_id)
    for step in ("created", "finalized", "paid", "payment_succeeded"):
        world.emit(f"invoice.{step}", issued)
