library(shop)
