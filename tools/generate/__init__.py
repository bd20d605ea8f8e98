"""Generated files: the sample events, the OpenAPI document and the cost page."""
