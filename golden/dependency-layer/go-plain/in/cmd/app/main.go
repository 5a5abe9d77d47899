package main

import (
	"fmt"

	"example.org/hello/internal/greet"
)

func main() { fmt.Println(greet.Text()) }
