"""What a Dockerfile means before anything is changed."""
