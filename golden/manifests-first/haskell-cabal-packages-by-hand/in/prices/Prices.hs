module Prices where
pence :: Int -> Int
pence = (* 100)
