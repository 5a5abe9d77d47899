module Main where
import Prices (pence)
main :: IO ()
main = print (pence 3)
