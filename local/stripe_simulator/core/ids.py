"""Ids that look like Stripe's, drawn from the simulator's random number generator."""

import random
import string

ALPHABET = string.ascii_letters + string.digits


class Ids:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def token(self, length: int) -> str:
        return "".join(self._rng.choices(ALPHABET, k=length))

    def new(self, prefix: str) -> str:
        """An id such as pi_3… (payment intents, charges and refunds begin with 3, others with 1)."""
        first = "3" if prefix in ("pi", "ch", "re") else "1"
        return f"{prefix}_{first}{self.token(23)}"

    def session(self) -> str:
        return f"cs_test_a1{self.token(56)}"

    def request(self) -> str:
        return f"req_{self.token(14)}"

    def webhook_secret(self) -> str:
        return f"whsec_{self.token(32)}"
