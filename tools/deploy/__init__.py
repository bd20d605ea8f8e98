"""`make deploy`: build a stage and deploy it, without a question."""
