"""`make cost`: write docs/cost.md, what a million of each flow costs, from counted requests and prices.toml."""

import re
import textwrap
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import ROOT
from local.aws.intrinsics import read_yaml
from tools.generate.cost.flows import FULL_BATCH, Measured, measure
from tools.generate.cost.memory import Memory, memory_in
from tools.generate.cost.metering import READ_STEP, Call
from topup.domain.batches import MOST_SPENDS

PRICES = Path(__file__).with_name("prices.toml")
DOCUMENT = ROOT / "docs" / "cost.md"
TEXT = Path(__file__).with_name("cost.md.in")
MILLION = 1_000_000
GIGABYTE = 1_000_000_000
NOT_BY_API = {"stripe_webhook", "expire_credits"}  # the webhook uses the function's own URL, which is free
ARCHITECTURE = "arm64"  # the template's default
ITEMS_OF_A_PURCHASE = 6  # order, its copy in the index, lot, its copy in the index, timer, entry
ITEM_OVERHEAD = 100  # bytes that DynamoDB bills for indexing each item (its pricing page)

Prices = Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """Dollars for a million of one flow."""

    write_units: float
    read_units: float
    dynamodb: float
    compute: float  # Lambda: requests and gigabyte-seconds
    http_api: float
    observed: float  # logs and traces

    @property
    def total(self) -> float:
        return self.dynamodb + self.compute + self.http_api + self.observed


def cost_of(calls: Iterable[Call], prices: Prices, memory: Memory) -> Cost:
    """What the calls of one flow cost, a million times."""
    calls = tuple(calls)
    factor = prices["assumed"]["index_units_in_transactions"]
    writes, reads = sum(call.write_units(factor) for call in calls), sum(call.reads for call in calls)
    return Cost(
        write_units=writes,
        read_units=reads,
        dynamodb=_dynamodb(writes, reads, prices),
        compute=sum(_compute(call, prices, memory) for call in calls),
        http_api=sum(call.function not in NOT_BY_API for call in calls) * prices["http_api"]["million_requests"],
        observed=sum(_observed(call, prices) for call in calls),
    )


def _dynamodb(write_units: float, read_units: float, prices: Prices) -> float:
    table = prices["dynamodb"]
    return float(write_units * table["million_write_units"] + read_units * table["million_read_units"])


def _compute(call: Call, prices: Prices, memory: Memory) -> float:
    table, seconds = prices["lambda"], prices["assumed"]["milliseconds"][call.function] / 1000
    gigabyte_seconds = seconds * memory.of(call.function) / 1024 * MILLION
    lots = prices["assumed"]["lots_in_one_expiry_call"] if call.function == "expire_credits" else 1
    return float((table["million_requests"] + gigabyte_seconds * table[f"gigabyte_second_{ARCHITECTURE}"]) / lots)


def _observed(call: Call, prices: Prices) -> float:
    lines_of_aws = prices["assumed"]["platform_log_bytes"]
    if call.function not in NOT_BY_API:
        lines_of_aws += prices["assumed"]["access_log_bytes"]
    logged = (call.log_bytes + lines_of_aws) * MILLION / GIGABYTE
    traced = prices["assumed"]["traced_share"] * prices["xray"]["million_traces"]
    return float(logged * prices["cloudwatch"]["gigabyte_of_logs"] + traced)


# -------------------------------------------------------------------------------------------------- the plain design


def plain_units(measured: Measured, prices: Prices) -> dict[str, tuple[float, float]]:
    """Write and read units of each flow in the plain design, whose only index is of orders by user."""
    plain = prices["plain"]
    webhooks = sum(call.function == "stripe_webhook" for call in measured.flows["purchase"])
    checkout_writes = 2  # the order is placed, then given its session
    index_writes = 3  # the order is placed, given its session, paid
    webhook_writes = plain["first_webhook_writes"] + (webhooks - 1) * plain["later_webhook_writes"]
    return {
        "purchase": (checkout_writes + index_writes + webhook_writes, webhooks * plain["webhook_reads"]),
        "status read": (0, plain["status_reads"]),
        "spend": (plain["spend_writes"], plain["spend_reads"]),
        "expiry": (plain["expiry_writes"], scan_units(measured.credits_bytes, plain["days_until_expiry"], prices)),
    }


def scan_units(size: int, days: int, prices: Prices) -> float:
    """Read units of scanning this many bytes on this many days, eventually consistent."""
    return float(days * prices["plain"]["scans_a_day"] * size / READ_STEP / 2)


def scan_with_history(measured: Measured, prices: Prices) -> float:
    """Dollars for the scans of a million expiries if the history stays in the table."""
    plain = prices["plain"]
    size = measured.credits_bytes + plain["spends_per_purchase"] * measured.spend_bytes
    return _dynamodb(0, scan_units(size, plain["days_of_history"], prices), prices)


# ---------------------------------------------------------------------------------------------------------- the page


@dataclass(frozen=True)
class Watching:
    """What is paid by the month, whatever happens: the metrics that alarms evaluate, and our own metrics."""

    alarm_metrics: int
    own_metrics: int

    def monthly(self, prices: Prices) -> float:
        table = prices["cloudwatch"]
        alarms = self.alarm_metrics * table["month_of_an_alarms_metric"]
        return float(alarms + self.own_metrics * table["month_of_a_metric"] + table["month_of_a_dashboard"])


def watching(template: Mapping[str, Any]) -> Watching:
    """What the template's alarms evaluate; our own metrics are those that an alarm or the dashboard names."""
    alarms = [body["Properties"] for body in template["Resources"].values() if body["Type"] == "AWS::CloudWatch::Alarm"]
    evaluated = [metric for alarm in alarms for metric in _metrics_of(alarm)]
    own = {str(metric["MetricName"]) for metric in evaluated if metric["Namespace"] == "Topup"}
    drawn = re.findall(r'\["Topup", "(\w+)"', (ROOT / "dashboard.yaml").read_text(encoding="utf-8"))
    return Watching(len(evaluated), len(own.union(drawn)))


def _metrics_of(alarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", ()) if "MetricStat" in one] or [alarm]


def render(measured: Measured, prices: Prices, memory: Memory, watched: Watching) -> str:
    """The text of docs/cost.md."""
    costs = {name: cost_of(calls, prices, memory) for name, calls in measured.flows.items()}
    plain = plain_units(measured, prices)
    # The order is stored twice, once in its index; of the lot the index has the keys only.
    item_bytes = measured.order_bytes * 2 + measured.credits_bytes + measured.due_bytes
    stored = (item_bytes + ITEMS_OF_A_PURCHASE * ITEM_OVERHEAD) * MILLION / GIGABYTE
    monthly = stored * (prices["dynamodb"]["gigabyte_month"] + prices["dynamodb"]["backup_gigabyte_month"])
    assumed = prices["assumed"]
    return TEXT.read_text(encoding="utf-8").format(
        noted=prices["noted"],
        checked="checked on that day" if prices["checked"] else "not checked against AWS's pages since",
        region=prices["region"],
        memory=memory.usual,
        others=", ".join(f"{name} has {size} MB" for name, size in memory.of_its_own.items()),
        costs=_costs(costs),
        calls=_calls(measured, assumed["index_units_in_transactions"]),
        services=_services(measured, prices, memory),
        batch_saves=_batch_saves(measured, prices),
        events=_events(prices, memory),
        report=f"{_dynamodb(0, scan_units(GIGABYTE, 30, prices), prices) / MILLION:.2f}",
        plain=_comparison(costs, plain, prices),
        alarm_metrics=watched.alarm_metrics,
        own_metrics=watched.own_metrics,
        watching=f"{watched.monthly(prices):.0f}",
        stored=f"{stored:.1f}",
        monthly=f"{monthly:.2f}",
        scan=f"{_dynamodb(0, plain['expiry'][1], prices):.2f}",
        history=f"{scan_with_history(measured, prices):.0f}",
        spends=prices["plain"]["spends_per_purchase"],
        years=prices["plain"]["days_of_history"] // 365,
        memory_saves=f"{_memory_saves(measured, prices, memory):.2f}",
        traced=f"{assumed['traced_share']:.0%}",
        **assumed | {"milliseconds": _milliseconds(assumed["milliseconds"])},
    )


def _memory_saves(measured: Measured, prices: Prices, memory: Memory) -> float:
    """Dollars that a million purchases cost less than if all functions had the usual memory and took as long."""
    now, usual = (cost_of(measured.flows["purchase"], prices, one).compute for one in (memory, Memory(memory.usual)))
    return usual - now


def _costs(costs: Mapping[str, Cost]) -> str:
    head = ["a million of", "DynamoDB", "Lambda", "HTTP API", "logs, traces", "$"]
    rows = [
        [name, *_dollars(cost.dynamodb, cost.compute, cost.http_api, cost.observed), f"**{cost.total:.2f}**"]
        for name, cost in costs.items()
    ]
    return _table(1, head, rows)


def _calls(measured: Measured, index_factor: float) -> str:
    head = ["flow", "call", "write units", "read units", "bytes logged, about"]
    rows = [
        [name, call.function, f"{call.write_units(index_factor):g}", f"{call.reads:g}", str(call.log_bytes)]
        for name, calls in measured.flows.items()
        for call in calls
    ]
    return _table(2, head, rows)


def _services(measured: Measured, prices: Prices, memory: Memory) -> str:
    head = ["a million of", "call", "write units", "read units", "bytes logged, about", "$"]
    spend = {"a spend": measured.flows["spend"]}
    rows = []
    for name, calls in (spend | dict(measured.of_services)).items():
        cost, functions = cost_of(calls, prices, memory), ", ".join(call.function for call in calls)
        logged = sum(call.log_bytes for call in calls)
        rows.append(
            [name, functions, f"{cost.write_units:g}", f"{cost.read_units:g}", str(logged), f"{cost.total:.2f}"]
        )
    return _table(2, head, rows)


def _batch_saves(measured: Measured, prices: Prices) -> str:
    """What share of a spend's write units each spend of a full batch saves."""
    factor = prices["assumed"]["index_units_in_transactions"]
    [single], [batch] = measured.flows["spend"], measured.of_services[FULL_BATCH]
    return f"{1 - batch.write_units(factor) / MOST_SPENDS / single.write_units(factor):.0%}"


def _events(prices: Prices, memory: Memory) -> str:
    """What it costs to tell of a million purchases, in words."""
    call = _compute(Call("publish_events"), prices, memory)
    bus, read = prices["eventbridge"]["million_events"], prices["dynamodb"]["million_read_units"]
    events, read_back = 3, 1  # two of the payment, and one of its credits, whose entry is read
    purchase = events * (bus + call) + read_back * read
    text = (
        f"A million events cost ${bus:.2f} on the bus, ${call:.2f} for the calls that put them there if each has"
        f" its own (a batch has up to 100), and those of credits and holds ${read:.3f} to read what was written. A"
        f" purchase has {events}: a million purchases are told of for ${purchase:.2f} at the most."
    )
    return "\n".join(textwrap.wrap(text, 118))


def _milliseconds(assumed: Mapping[str, int]) -> str:
    listed = ", ".join(f"{name} {milliseconds} ms" for name, milliseconds in assumed.items())
    return "\n  ".join(textwrap.wrap(listed, 116))


def _comparison(costs: Mapping[str, Cost], plain: Mapping[str, tuple[float, float]], prices: Prices) -> str:
    head = ["a million of", "writes", "reads", "Topup, $", "plain: writes", "plain: reads", "plain, $"]
    rows = [
        [
            name,
            f"{cost.write_units:g}",
            f"{cost.read_units:g}",
            f"{cost.dynamodb:.2f}",
            f"{plain[name][0]:g}",
            f"{plain[name][1]:.3g}",
            f"{_dynamodb(*plain[name], prices):.2f}",
        ]
        for name, cost in costs.items()
    ]
    return _table(1, head, rows)


def _dollars(*amounts: float) -> list[str]:
    return [f"{amount:.2f}" for amount in amounts]


def _table(texts: int, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first `texts` are numbers."""
    lines = ["| " + " | ".join(line) + " |" for line in (head, *rows)]
    rule = "|" + "---|" * texts + "--:|" * (len(head) - texts)
    return "\n".join([lines[0], rule, *lines[1:]])


def document() -> str:
    """docs/cost.md as the code and the prices make it now."""
    template = read_yaml(ROOT / "template.yaml")
    return render(measure(), tomllib.loads(PRICES.read_text(encoding="utf-8")), memory_in(template), watching(template))


def main() -> None:
    DOCUMENT.write_text(document(), encoding="utf-8")
    print(f"wrote {DOCUMENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
