module example.org/mono/services/feed

go 1.23.0

require example.org/mono/libs/markup v0.0.0

require (
	github.com/yuin/goldmark v1.7.8 // indirect
	gopkg.in/yaml.v3 v3.0.1
)

replace example.org/mono/libs/markup => ../../libs/markup
