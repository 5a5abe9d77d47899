module example.org/team/worker

go 1.22
