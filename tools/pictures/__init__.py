"""`make pictures`: the pictures of docs/, taken of a running stack."""
