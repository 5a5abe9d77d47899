module example.org/team/gate

go 1.22
