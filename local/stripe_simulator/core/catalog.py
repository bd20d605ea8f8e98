"""Products and prices: stored ones, and those that a session defines inline."""

from local.stripe_simulator.core.errors import InvalidParameter
from local.stripe_simulator.core.money import check_step
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects import catalog
from local.stripe_simulator.objects.base import Json, snapshot


def new_product(world: World, params: Json) -> Json:
    return world.add(catalog.product(world.ids.new("prod"), now=world.timestamp, params=params))


def new_price(world: World, params: Json, within: str = "") -> Json:
    """within: the name of the hash that holds the parameters, for error messages."""
    check_step(params["unit_amount"], params["currency"], f"{within}[unit_amount]" if within else "unit_amount")
    if ("product" in params) == ("product_data" in params):
        param = f"{within}[product]" if within else "product"
        message = f"You must pass exactly one of `{param}` and `{param.replace('product', 'product_data')}`."
        raise InvalidParameter(message, code="parameter_missing", param=param)
    if "product" in params:
        product = world.get("product", params["product"])
    else:
        product = new_product(world, params["product_data"])
    price = catalog.price(
        world.ids.new("price"),
        now=world.timestamp,
        currency=params["currency"],
        unit_amount=params["unit_amount"],
        product_id=product["id"],
        params=params,
    )
    return world.add(price)


def line_item(world: World, params: Json, within: str) -> Json:
    if ("price" in params) == ("price_data" in params):
        message = f"You must pass exactly one of `{within}[price]` and `{within}[price_data]`."
        raise InvalidParameter(message, code="parameter_missing", param=f"{within}[price]")
    if "price" in params:
        price = world.get("price", params["price"])
    else:
        price = new_price(world, params["price_data"], f"{within}[price_data]")
    product = world.get("product", price["product"])
    item_id = world.ids.new("li")
    return catalog.line_item(item_id, price=snapshot(price), product=product, quantity=params["quantity"])
