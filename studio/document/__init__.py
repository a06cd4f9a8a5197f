"""The document: what the user edits. No Qt, no torch."""
