"""A new avatar from a video: choosing, consent, capture, report, training; a page for each, the work elsewhere."""
