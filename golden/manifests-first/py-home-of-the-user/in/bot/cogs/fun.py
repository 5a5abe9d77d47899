JOKES = []
