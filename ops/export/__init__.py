"""`export`: a copy of both tables as files, in DynamoDB's own format, for the audit, the books and other tools."""
