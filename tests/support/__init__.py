"""What tests share: builders of boring values, an API in process, DynamoDB in process, Stripe at the wire."""
