package main

import "os/exec"

func main() { exec.Command("bash", "-c", "hg identify | gnuplot").Run() }
