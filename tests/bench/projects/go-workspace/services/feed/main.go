// Command feed prints a page for each entry of a feed description.
package main

import (
	"fmt"
	"os"

	"gopkg.in/yaml.v3"

	"example.org/mono/libs/markup"
)

type entry struct {
	Title string `yaml:"title"`
	Text  string `yaml:"text"`
}

func main() {
	data, err := os.ReadFile("/etc/feed.yaml")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var entries []entry
	if err := yaml.Unmarshal(data, &entries); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, one := range entries {
		html, err := markup.HTML(one.Text)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("<h1>%s</h1>\n%s\n", one.Title, html)
	}
}
