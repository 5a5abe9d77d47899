"""Text in, text out: trees over source text, without knowing what a build means."""
