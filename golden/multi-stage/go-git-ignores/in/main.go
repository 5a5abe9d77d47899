package main

import "os"

func main() { os.Open(os.Args[1]) }
