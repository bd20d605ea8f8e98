"""What README.md says can be pasted does what it says."""

import json
import os
import re
import subprocess

from local import ROOT
from local.launcher import Stack
from tests.e2e.buyer import NewBuyer


def pasted(title: str, stack: Stack) -> list[dict[str, object]]:
    """What the requests of this section answer, one after the other; those that a variable keeps are not shown."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    text = "".join(re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
    ended = subprocess.run(
        ["sh", "-eu"],
        input=text.replace("http://localhost:8000", stack.api_url),
        env={
            "PATH": os.environ["PATH"],
            "ADMIN_JWT_TOKEN": stack.admin_token,
            "PROXY_API_KEY": stack.api_key,
            "no_proxy": "*",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    shown, decoder = [], json.JSONDecoder()
    rest = ended.stdout
    while rest := rest.lstrip():
        answer, length = decoder.raw_decode(rest)
        shown.append(answer)
        rest = rest[length:]
    return shown


def test_a_hold_its_capture_and_what_is_given_back(stack: Stack, new_buyer: NewBuyer) -> None:
    buyer = new_buyer(stack)
    buyer.user_id = "user-demo"
    before = buyer.balance()

    granted, credits, captured, given_back = pasted("Spending when you do not know the cost yet", stack)

    assert granted["balance_after"] == before + 500
    assert (credits["held"], credits["available"]) == (200, before + 300)
    assert (captured["status"], captured["amount_captured"]) == ("captured", 130)
    assert captured["available_after"] == before + 370
    assert (given_back["amount"], given_back["balance_after"]) == (30, before + 400)
