"""`find`: what became of a payment, or of a user's payments, in one time line, with a verdict and the next command."""
