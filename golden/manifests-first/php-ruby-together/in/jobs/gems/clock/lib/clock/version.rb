module Clock # of the clock
  VERSION = "1.0.0"
end
