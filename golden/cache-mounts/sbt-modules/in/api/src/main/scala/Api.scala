object Api { def main(args: Array[String]): Unit = println(Prices.pence(3)) }
