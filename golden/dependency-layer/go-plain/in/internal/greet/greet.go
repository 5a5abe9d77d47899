// Package greet says hello.
package greet

import "rsc.io/quote"

// Text returns the greeting.
func Text() string { return quote.Hello() }
