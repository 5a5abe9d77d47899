module example.org/team/shop

go 1.22
