"""Reports of `dockerfix verify`: what the builds have shown, for people, programs, pull requests and browsers."""
