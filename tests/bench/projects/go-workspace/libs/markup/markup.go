// Package markup turns Markdown into HTML.
package markup

import (
	"bytes"

	"github.com/yuin/goldmark"
)

// HTML returns the HTML of a Markdown text.
func HTML(text string) (string, error) {
	var out bytes.Buffer
	if err := goldmark.Convert([]byte(text), &out); err != nil {
		return "", err
	}
	return out.String(), nil
}
