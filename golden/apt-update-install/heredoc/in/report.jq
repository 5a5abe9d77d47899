.[] | .name
