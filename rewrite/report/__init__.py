"""Reports: what became of the files, for people and for programs; each module renders to a string."""
