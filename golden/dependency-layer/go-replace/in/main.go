package main

import (
	"fmt"

	"example.org/word"
	"rsc.io/quote"
)

func main() { fmt.Println(quote.Hello(), word.Word) }
