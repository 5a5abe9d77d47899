using Pkg
Pkg.instantiate()
