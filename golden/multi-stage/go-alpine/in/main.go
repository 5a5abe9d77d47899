package main

import "os"

func main() {
	text, err := os.ReadFile(os.Getenv("GATE_CONFIG"))
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(text)
}
