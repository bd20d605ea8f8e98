"""What is stored about one person: all of it as one document, and how it comes to be nobody's."""
