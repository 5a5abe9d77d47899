module Prices; end
