class Bill
end
