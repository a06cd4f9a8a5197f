"""The synthetic performer: a posable, rendered head that makes captures with exact ground truth."""
