"""Files that are made from the code: events, the OpenAPI document, the cost page."""
