using Prices
println(Prices.price(3))
