"""`make openapi`: docs/openapi.json, from the template's routes and the code behind them."""
