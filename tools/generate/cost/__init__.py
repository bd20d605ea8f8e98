"""`make cost`: docs/cost.md, from counted requests and prices.toml."""
