"""`books`: a month of prepaid credits as an accountant needs it, from the users' ledger entries alone."""
