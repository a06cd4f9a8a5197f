"""Takes from and for other programs: importing with a look at what did not map, exporting, and dropped files."""
