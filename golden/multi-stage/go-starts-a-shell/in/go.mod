module example.org/team/app

go 1.22
