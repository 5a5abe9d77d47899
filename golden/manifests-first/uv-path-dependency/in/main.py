import money
