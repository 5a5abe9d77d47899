// Package word knows a word.
package word

// Word is it.
const Word = "hello"
