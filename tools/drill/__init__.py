"""Drills: lose the tables and restore them as the runbook says, and faults of AWS under load; each ends in an audit."""
