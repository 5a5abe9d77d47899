module Prices
price(pounds) = 100pounds
end
