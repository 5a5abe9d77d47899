object Prices { def pence(pounds: Int): Int = pounds * 100 }
