import Distribution.Simple
main :: IO ()
main = readFile "VERSION" >>= putStrLn >> defaultMain
