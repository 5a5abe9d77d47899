package main

import (
	"fmt"

	"example.org/mono/libs/word"
	"rsc.io/quote"
)

func main() { fmt.Println(quote.Hello(), word.Word) }
