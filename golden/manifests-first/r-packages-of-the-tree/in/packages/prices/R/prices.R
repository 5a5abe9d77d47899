pence <- function(pounds) pounds * 100
