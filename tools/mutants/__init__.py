"""Changes the code in one place after another, with mutmut, and counts how many changes the tests notice."""
