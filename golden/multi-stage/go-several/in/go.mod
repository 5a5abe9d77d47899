module example.org/team/tools

go 1.22
