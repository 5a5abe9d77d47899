module example.org/mono/libs/word

go 1.22
