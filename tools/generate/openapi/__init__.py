"""docs/openapi.json, from the routes and the code behind them."""
