"""Builds before and after with BuildKit, compares the two images, and measures what an edit rebuilds."""
