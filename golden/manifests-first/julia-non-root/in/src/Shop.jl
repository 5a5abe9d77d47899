module Shop
using HTTP
end
