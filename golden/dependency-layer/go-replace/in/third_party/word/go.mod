module example.org/word
