package main

// #cgo pkg-config: vips
// #include <vips/vips.h>
import "C"

func main() {}
