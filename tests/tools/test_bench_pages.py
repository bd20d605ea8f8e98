"""What `make bench-cold` and `make bench-warm` write down, and which figures they judge."""

from tools.bench import budgets, cold_page, warm
from tools.bench.cold_page import PLAIN_YARDSTICK, YARDSTICK, Found
from tools.bench.layers import Size
from tools.bench.process import Reads, Start
from tools.bench.warm import BARE, OURS, Sample

STARTS = {
    YARDSTICK: [Start(0.21, 0.20, 0.0), Start(0.41, 0.40, 0.0)],
    PLAIN_YARDSTICK: [Start(0.5, 0.4, 0.0), Start(0.5, 0.4, 0.0)],
    "get_credits": [Start(0.3, 0.14, 0.02), Start(0.5, 0.22, 0.10)],
    "reconcile": [Start(0.9, 0.8, 0.1), Start(0.9, 0.8, 0.1)],
}
FOUND = Found(
    starts=STARTS,
    reads={"get_credits": Reads(265, 18_540_000, 5_040_000), "reconcile": Reads(300, 5_000_000, 0)},
    sizes={"arm64": (Size(200_000, 900_000), Size(12_200_000, 36_000_000))},
)


def rows(section: str) -> list[str]:
    return [line for line in section.splitlines() if line.startswith("| ")]


def test_a_row_of_cold_starts_with_both_phases_ratio_budget_and_reads():
    section = rows(cold_page.section(FOUND, "measured"))

    # The ratio is the median of 0.16 ÷ 0.20 and 0.32 ÷ 0.40; on Lambda 1,024 MB have 0.58 of a processor.
    assert "| get_credits | 400 | 180 | **60** | 284 | 0.80 | 0.80 | 0.65 | 265 | **13.5** | 5.0 |" in section
    assert "| reconcile | 900 | 800 | 100 | 973 | 3.38 |  |  | 300 | 5.0 | 0.0 |" in section
    assert "| arm64 | 200 | 900 | 12.2 | 36.0 |" in section


def test_cold_starts_are_judged_by_ratio_first_request_reads_without_the_validator_and_layers():
    assert budgets.missed(cold_page.figures(FOUND)) == [
        "get_credits, first request, CPU ms: 60, budget 25",
        "get_credits, MB read of the layers: 13.5, budget 3.5",
        "layers for arm64, MB: 36.9, budget 36",
    ]


def test_a_row_of_warm_invocations_with_what_a_reconnect_costs():
    ours = [Sample(0.0010, 0.020, 2), Sample(0.0012, 0.022, 2)]
    bare = [Sample(0.0010, 0.009, 1), Sample(0.0010, 0.011, 1)]
    found = {"create_checkout": {OURS: ours, BARE: bare}}

    assert rows(warm.section(found, "measured"))[-1] == (
        "| create_checkout | 1.10 | 1.00 | **1.10** | 0.95 | 0.85 | **21.0** | 2 | 10.0 |"
    )
    assert budgets.missed(warm.figures("create_checkout", found["create_checkout"])) == [
        "create_checkout, CPU ÷ the bare calls: 1.10, budget 0.95",
        "create_checkout, reconnect, CPU ms a connection: 10.5, budget 4",
    ]
