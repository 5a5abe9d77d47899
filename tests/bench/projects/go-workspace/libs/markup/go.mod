module example.org/mono/libs/markup

go 1.23.0

require github.com/yuin/goldmark v1.7.8
