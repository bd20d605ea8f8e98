"""`import`: take over the credits that users have elsewhere, each row of a file once, however often it is run."""
