require "clock"
puts Clock::VERSION
