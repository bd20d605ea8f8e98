"""`make release`: everything that somebody needs of a version, as files, without the repository."""
